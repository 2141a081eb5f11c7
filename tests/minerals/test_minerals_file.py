"""A user's minerals: what little an entry needs, and what each mistake is told."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lithoscope.core.cell import Cell
from lithoscope.errors import FileFormatError, FormulaError, LithoscopeError, MineralError
from lithoscope.minerals import Library, load_library, load_minerals_file
from lithoscope.minerals.reading import read_minerals
from lithoscope.minerals.schema import DEFAULT_DENSITY_G_CM3


@pytest.fixture
def load(tmp_path: Path):
    def load_text(text: str) -> Library:
        path = tmp_path / "mine.yaml"
        path.write_text(text, encoding="utf-8")
        return load_minerals_file(path)

    return load_text


def test_name_and_formula_are_enough(load) -> None:
    (mineral,) = load("- name: eucryptite\n  formula: LiAlSiO4\n")
    assert mineral.name == "eucryptite"
    assert mineral.density_g_cm3 == DEFAULT_DENSITY_G_CM3 == 3.0
    assert mineral.kind == "mineral"
    assert mineral.end_members == {}
    assert mineral.traces == {}


def test_every_key(load) -> None:
    (mineral,) = load(
        """
- name: eucryptite
  formula: LiAlSiO4
  density_g_cm3: 2.66
  kind: mineral
  class: feldspathoid
  aliases: [eukryptite]
  symbol: Ecr
  end_members: {LiAlSiO4: [0.9, 1], LiFeSiO4: [0, 0.1]}
  traces_ppm: {Rb: [10, 500]}
  cell: {a_A: 13.53, c_A: 9.04, gamma_deg: 120, formula_units: 18}
  d_spacings_A: {3.38: 100, 4.54: 12}
  references: [Li 1999]
"""
    )
    assert mineral.cell == Cell(13.53, 13.53, 9.04, gamma_deg=120, formula_units=18)
    assert mineral.d_spacings == {3.38: 100, 4.54: 12}
    assert mineral.references == ("Li 1999",)
    assert mineral.density_g_cm3 == 2.66
    assert mineral.mineral_class == "feldspathoid"
    assert mineral.aliases == ("eukryptite",)
    assert mineral.symbol == "Ecr"
    assert mineral.end_members == {"LiAlSiO4": (0.9, 1.0), "LiFeSiO4": (0.0, 0.1)}
    assert mineral.traces["Rb"] == pytest.approx((1e-5, 5e-4))


def test_shipped_minerals_by_name_in_the_order_of_the_file(load) -> None:
    library = load("- native gold\n- {name: mullite, formula: Al6Si2O13}\n- Quartz\n")
    assert library.names == ("gold", "mullite", "quartz")
    assert library.get("gold") is load_library().get("gold")


def test_own_entry_may_replace_a_shipped_one(load) -> None:
    assert load("- {name: quartz, formula: Si0.99Al0.01O2}").get("quartz").formula.startswith("Si0")


@pytest.mark.parametrize(
    ("entry", "says"),
    [
        ("{name: mullite}", ["'formula' is missing"]),
        ("{formula: SiO2}", ["'name' is missing"]),
        ("{name: x1, formula: SiO2, desnity_g_cm3: 2}", ["(x1)", "'desnity_g_cm3'", "write 'den"]),
        ("{name: x1, formula: SiO2, mineral_class: y}", ["no key 'mineral_class'"]),
        ("{name: x1, formula: SiO2, 7: 8}", ["7"]),
        ("{name: x1, formula: SiXO2}", ["(x1)", "'X' is not a chemical element", "^"]),
        ("{name: Xone, formula: SiO2}", ["'Xone'", "lower case"]),
        ("{name: '', formula: SiO2}", ["lower case"]),
        ("{name: a/b, formula: SiO2}", ["'a/b'", "a name without"]),
        ("{name: unknown, formula: SiO2}", ["'unknown' cannot be used"]),
        ("{name: No, formula: SiO2}", ["name is False", "quote"]),
        ("{name: x1, formula: 12}", ["formula is 12"]),
        ("{name: x1, formula: SiO2, density_g_cm3: heavy}", ["density_g_cm3 is heavy", "number"]),
        ("{name: x1, formula: SiO2, density_g_cm3: '2.65'}", ["density_g_cm3 is 2.65", "number"]),
        ("{name: x1, formula: SiO2, density_g_cm3: true}", ["density_g_cm3 is True", "number"]),
        ("{name: x1, formula: SiO2, density_g_cm3: -1}", ["density of -1"]),
        ("{name: x1, formula: SiO2, density_g_cm3: .nan}", ["density of nan"]),
        ("{name: x1, formula: SiO2, kind: rock}", ["kind is rock", "'mineral' or 'material'"]),
        ("{name: x1, formula: SiO2, aliases: y}", ["aliases is y", "list"]),
        ("{name: x1, formula: SiO2, end_members: {SiO2: 1}}", ["end_members.SiO2 is 1"]),
        ("{name: x1, formula: SiO2, end_members: {SiO2: [1]}}", ["at least 2 items"]),
        ("{name: x1, formula: SiO2, end_members: {SiO2: [0, 2]}}", ["from 0.0 to 2.0"]),
        ("{name: x1, formula: SiO2, end_members: {SiO2: [0, 0.5]}}", ["sum to"]),
        ("{name: x1, formula: SiO2, end_members: {SiO2: [1, 0.5]}}", ["upside down", "[0.5, 1]"]),
        ("{name: x1, formula: LiAlSi2O7}", ["charges of LiAlSi2O7 do not balance", "-2", "check"]),
        ("{name: x1, formula: SiO2, end_members: {AlO2: [0, 1]}}", ["AlO2 do not balance"]),
        ("{name: x1, formula: SiO2, end_members: {Si!: [1, 1]}}", ["'!'", "^"]),
        (
            "{name: x1, formula: SiO2, traces_ppm: {Rb: [0, 5]}}",
            ["traces_ppm.Rb", "greater than 0"],
        ),
        (
            "{name: x1, formula: SiO2, traces_ppm: {Rb: [9, 5]}}",
            ["traces_ppm.Rb", "upside down", "write [5, 9]"],
        ),
        ("{name: x1, formula: SiO2, traces_ppm: {Rb: [9, 200000]}}", ["200000"]),
        ("{name: x1, formula: SiO2, traces_ppm: {Rubidium: [1, 2]}}", ["'Rubidium'"]),
        ("{name: x1, formula: SiO2, cell: {a_A: -4.9}}", ["(x1)", "a_A is -4.9"]),
        ("{name: x1, formula: SiO2, cell: {c_A: 4.9}}", ["cell.a_A", "missing"]),
        ("{name: x1, formula: SiO2, cell: {a_A: 4, d_A: 5}}", ["cell.d_A"]),
        ("{name: x1, formula: SiO2, d_spacings_A: {3.3: 0}}", ["3.3 Å", "intensity 0"]),
        ("{name: x1, formula: SiO2, d_spacings_A: {3000: 100}}", ["lattice planes of 3000"]),
        ("granite", ["'granite' is a rock"]),
        ("quarz", ["'quarz' is not in", "quartz"]),
        ("42", ["entry 1 is 42", "a mapping with"]),
        ("null", ["a mapping with"]),
        ("[quartz]", ["a mapping with"]),
    ],
)
def test_faults_name_file_and_entry(load, entry: str, says: list[str]) -> None:
    with pytest.raises(MineralError) as caught:
        load(f"- {entry}\n")
    message = str(caught.value)
    assert "mine.yaml, line 1, entry 1" in message
    for words in says:
        assert words in message


def test_the_entry_that_is_wrong_is_the_one_named(load) -> None:
    with pytest.raises(MineralError, match="entry 3 \\(x3\\)"):
        load("- quartz\n- gold\n- {name: x3}\n")


def test_the_line_of_the_fault_is_named(load) -> None:
    entry = "- quartz\n- name: x1\n  formula: SiO2\n"
    for more, line in (
        ("  densty_g_cm3: 2.6\n", 4),
        ("  end_members:\n    SiO2: [0, 1]\n    TiO2: [0.2, 0.1]\n", 6),
        ("  end_members:\n    SiO2: [0, 1]\n    Tio2: [0.1, 0.2]\n", 6),
        ("  cell:\n    a_A: 5\n    beta: 90\n", 6),
        ("  kind: mineral\n  cell: {a_A: 0}\n", 5),
        ("- name: x2\n", 4),
    ):
        with pytest.raises(MineralError, match=f"mine.yaml, line {line}, entry"):
            load(entry + more)


def test_metals_and_sulfides_need_no_charges(load) -> None:
    load("- {name: x1, formula: FeS2}\n- {name: x2, formula: AuTe2}\n- {name: x3, formula: Fe3C}")
    load("- {name: x1, formula: SiO, kind: material}")


def test_a_library_takes_a_users_entries(load) -> None:
    own = load("- {name: quartz, formula: Si0.99Al0.01O2}\n- {name: x1, formula: LiAlSiO4}\n")
    both = load_library().updated_with(own)
    assert len(both) == len(load_library()) + 1
    assert both.names[0] == "quartz"
    assert both.names[-1] == "x1"
    assert both.get("quartz") is own.get("quartz")
    assert both.get("gold") is load_library().get("gold")


def test_a_users_alias_may_not_take_a_shipped_name(load) -> None:
    own = load("- {name: x1, formula: LiAlSiO4, aliases: [Gold]}\n")
    with pytest.raises(MineralError, match="means two entries"):
        load_library().updated_with(own)


@pytest.mark.parametrize(
    "text",
    [
        "- quartz\n- Quartz\n",
        "- gold\n- native gold\n",
        "- quartz\n- {name: quartz, formula: SiO2}\n",
        "- quartz\n- {name: silica, formula: SiO2, aliases: [QUARTZ]}\n",
    ],
)
def test_two_entries_of_one_name(load, text: str) -> None:
    with pytest.raises(MineralError, match=r"mine\.yaml, line 2: .* means two entries, .* line 1"):
        load(text)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "mine.yaml is empty"),
        (" \n\n", "mine.yaml is empty"),
        ("# no entries yet\n", "not a list"),
        ("name: quartz", "not a list"),
        ("[]", "not a list"),
        ("- {name: a", "line 1"),
        ("- name: a\n\tformula: b", "line 2"),
        ("- {name: a, name: b, formula: C}", "'name' stands twice"),
        ("- &a {name: a, formula: C}\n- *a", "aliases"),
        ("- !!python/object/apply:os.getcwd []", "could not determine a constructor"),
        ("[" * 50_000, "not YAML"),
        ("- " + "1" * 10_000, "not YAML"),
        ("- \x00", "not YAML"),
        ("- 2024-99-99", "not YAML"),
        ("- {{a: b}: c}", "unhashable"),
    ],
)
def test_what_is_no_yaml_list(load, text: str, says: str) -> None:
    with pytest.raises(FileFormatError, match=r"mine\.yaml") as caught:
        load(text)
    assert says in str(caught.value)
    assert len(str(caught.value)) < 400


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="cannot be read"):
        load_minerals_file(tmp_path / "none.yaml")
    with pytest.raises(FileFormatError, match="cannot be read"):
        load_minerals_file(tmp_path)
    large = tmp_path / "large.yaml"
    large.write_bytes(b"#" * (1 << 20) + b"\n")
    with pytest.raises(FileFormatError, match="1 MiB"):
        load_minerals_file(large)
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="UTF-8"):
        load_minerals_file(str(binary))


def test_formula_faults_are_mineral_faults_here(load) -> None:
    with pytest.raises(MineralError) as caught:
        load("- {name: x1, formula: Si(O2}")
    assert not isinstance(caught.value, FormulaError)


@given(st.text(max_size=60) | st.text("-{}[]:, \n'&*!|aQ1.", max_size=60))
def test_arbitrary_text_gives_minerals_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(LithoscopeError):
        assert read_minerals(text, "text", load_library().get)

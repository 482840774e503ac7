import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from factories.loaded_lists import AT_MS, Lists
from factories.sat_lists import file_69, file_69b, many, row_69, row_69b, written
from timbra.platform import audit, faults
from timbra.sat_lists import load
from timbra.sat_lists.load import AlreadyLoading, Unreadable
from timbra.sat_lists.sync import published_of

PRESUMED, FIRMES = published_of("69b"), published_of("69_firmes")
HOUR_MS = 3_600_000


def firmes(folder: Path, rfcs: list[str], name: str = "A") -> Path:
    return file_69(folder, [row_69(rfc, name) for rfc in rfcs])


def test_first_load_puts_every_row_in_force(lists: Lists, tmp_path: Path) -> None:
    path = file_69b(tmp_path, [row_69b("AAA080808HL8", "UNO"), row_69b("AAB080808HL8", "DOS", "Presunto")])

    states = lists.load(PRESUMED, path)

    assert [(s.id, s.status, s.entries, s.added, s.removed) for s in states] == [
        ("69b_presunto", "ok", 1, 1, 0),
        ("69b_definitivo", "ok", 1, 1, 0),
        ("69b_desvirtuado", "ok", 0, 0, 0),
        ("69b_sentencia_favorable", "ok", 0, 0, 0),
    ]
    assert (states[0].source_date, states[0].synced_ms, states[0].started_ms) == ("2026-09-30", AT_MS, AT_MS)
    assert lists.entries("AAA080808HL8", "AAB080808HL8") == [("69b_definitivo", "UNO"), ("69b_presunto", "DOS")]
    assert lists.told == 1


def test_same_file_again_is_unchanged(lists: Lists, tmp_path: Path) -> None:
    path = firmes(tmp_path, many(1_200))
    lists.load(FIRMES, path)
    lists.clock.advance(HOUR_MS)

    [state] = lists.load(FIRMES, path)

    assert (state.status, state.entries, state.added, state.removed) == ("unchanged", 1_200, 0, 0)
    assert state.synced_ms == AT_MS + HOUR_MS
    assert (lists.told, lists.stored("69_firmes")) == (1, 1_200)


def test_next_load_writes_only_what_differs(lists: Lists, tmp_path: Path) -> None:
    rfcs = many(1_300)
    lists.load(FIRMES, firmes(tmp_path, rfcs[:1_200]))

    [state] = lists.load(FIRMES, firmes(tmp_path, rfcs[100:1_300]))

    assert (state.status, state.entries, state.added, state.removed) == ("ok", 1_200, 100, 100)
    assert (lists.stored("69_firmes"), lists.told) == (1_200, 2)
    assert lists.entries(rfcs[0], rfcs[100], rfcs[1_299]) == [("69_firmes", "A"), ("69_firmes", "A")]


def test_who_moves_from_one_list_to_another_is_on_one(lists: Lists, tmp_path: Path) -> None:
    rows = [row_69b(rfc, "A") for rfc in many(2)]
    lists.load(PRESUMED, file_69b(tmp_path, [row_69b("ZZZ080808HL8", "UNO", "Presunto"), *rows]))

    lists.load(PRESUMED, file_69b(tmp_path, [row_69b("ZZZ080808HL8", "UNO", "Definitivo"), *rows]))

    assert lists.entries("ZZZ080808HL8") == [("69b_definitivo", "UNO")]
    assert (lists.state("69b_presunto").entries, lists.state("69b_definitivo").entries) == (0, 3)


def test_equal_rows_are_as_many_entries(lists: Lists, tmp_path: Path) -> None:
    path = firmes(tmp_path, ["AAA080808HL8"] * 3)
    lists.load(FIRMES, path)

    [state] = lists.load(FIRMES, firmes(tmp_path, ["AAA080808HL8"] * 2))

    assert (state.entries, state.added, state.removed) == (2, 0, 1)
    assert len(lists.entries("AAA080808HL8")) == 2


def refused(lists: Lists, *files: Path, published=FIRMES) -> str:
    """Why; and nothing but the attempt has changed."""
    before, told = lists.snapshot(), lists.told
    with pytest.raises(Unreadable) as error:
        lists.load(published, *files)
    after = lists.state(published.lists[0].id)
    assert (lists.snapshot(), lists.told) == (before, told)
    assert (after.status, after.error) == ("failed", str(error.value))
    return str(error.value)


def test_less_than_half_of_the_rows_is_refused(lists: Lists, tmp_path: Path) -> None:
    rfcs = many(10)
    lists.load(FIRMES, firmes(tmp_path, rfcs))

    assert refused(lists, firmes(tmp_path, rfcs[:4])) == "holds 4 rows, less than half of the 10 loaded before"
    lists.load(FIRMES, firmes(tmp_path, rfcs[:5]))

    assert lists.state("69_firmes").entries == 5


def test_half_is_judged_over_the_whole_file(lists: Lists, tmp_path: Path) -> None:
    rfcs = many(8)
    presumed = [row_69b(rfc, "A", "Presunto") for rfc in rfcs[:4]]
    rest = [row_69b(rfc, "A") for rfc in rfcs[4:]]
    lists.load(PRESUMED, file_69b(tmp_path, presumed + rest))

    lists.load(PRESUMED, file_69b(tmp_path, rest))

    assert (lists.state("69b_presunto").entries, lists.state("69b_presunto").removed) == (0, 4)


def test_bad_files_change_nothing(lists: Lists, tmp_path: Path) -> None:
    good = firmes(tmp_path, many(700))
    lists.load(FIRMES, good)
    whole = good.read_bytes()
    (tmp_path / "cut.csv").write_bytes(whole[: len(whole) - 20])

    assert "is cut in line 701" in refused(lists, tmp_path / "cut.csv")
    assert "no line with the titles" in refused(lists, written(tmp_path / "x.csv", ["a,b", "1,2"]))
    assert "cannot be read" in refused(lists, tmp_path / "absent.csv")
    (tmp_path / "empty.csv").touch()
    assert "is empty" in refused(lists, tmp_path / "empty.csv", published=published_of("69_exigibles"))


def test_second_file_of_a_list_spoils_the_load(lists: Lists, tmp_path: Path) -> None:
    condoned = published_of("69_condonados")
    good = firmes(tmp_path, many(3))

    refused(lists, good, written(tmp_path / "bad.csv", ["a,b"]), published=condoned)

    assert lists.state("69_condonados").entries == 0
    assert not lists.state("69_condonados").is_loaded


class Death(BaseException):
    pass


@pytest.mark.parametrize("point", ["sat_lists.written", "sat_lists.in_force"])
def test_load_that_dies_is_none_or_whole_and_the_next_one_sweeps(lists: Lists, tmp_path: Path, point: str) -> None:
    rfcs = many(1_500)
    lists.load(FIRMES, firmes(tmp_path, rfcs[:1_000]))

    def die(name: str) -> None:
        if name == point:
            raise Death

    faults.install(die)
    try:
        with pytest.raises(Death):
            lists.load(FIRMES, firmes(tmp_path, rfcs[500:]))
    finally:
        faults.install(None)

    first, middle, last = (bool(lists.entries(rfcs[n])) for n in (0, 700, 1_499))
    assert middle
    assert (first, last) == ((True, False) if point == "sat_lists.written" else (False, True))
    lists.load(FIRMES, firmes(tmp_path, rfcs[500:]))
    assert lists.stored("69_firmes") == 1_000
    assert [bool(lists.entries(rfcs[n])) for n in (0, 700, 1_499)] == [False, True, True]


def test_two_loads_of_one_list_do_not_meet(lists: Lists, tmp_path: Path) -> None:
    path = firmes(tmp_path, many(3))

    async def both() -> None:
        async with load.loading(lists.parts, FIRMES):
            with pytest.raises(AlreadyLoading):
                await lists.later(FIRMES, path)
            await load.load(lists.parts, FIRMES, [path])

    asyncio.run(both())

    assert lists.state("69_firmes").status == "ok"


def test_load_of_a_dead_process_is_taken_over_after_an_hour(lists: Lists, tmp_path: Path) -> None:
    path = firmes(tmp_path, many(3))
    lists.load(FIRMES, path)
    lists.database.write_sync(lambda tx: tx.execute(text("update sat_lists set status = 'running'")))
    with pytest.raises(AlreadyLoading):
        lists.load(FIRMES, path)
    lists.clock.advance(HOUR_MS + 1)

    assert lists.load(FIRMES, path)[0].status == "unchanged"


def test_every_attempt_is_audited(lists: Lists, tmp_path: Path) -> None:
    lists.load(FIRMES, firmes(tmp_path, many(3)))
    with pytest.raises(Unreadable):
        lists.load(FIRMES, written(tmp_path / "x.csv", ["a,b"]))

    rows = lists.database.read_sync(lambda tx: list(audit.rows_of(tx, "server")))

    assert [(row["action"], row["resource_id"], row["outcome"], row["user_id"]) for row in rows] == [
        ("sat_list.sync", "69_firmes", "ok", None),
        ("sat_list.sync", "69_firmes", "failed", None),
    ]

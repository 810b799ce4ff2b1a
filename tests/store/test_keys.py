"""A store is written with one key at a time, and its logs are known by an identity key that stays."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from pullstats.enrich.keys import HashKey, load_key
from pullstats.errors import InputError
from pullstats.pipeline.plan import IngestSummary
from pullstats.pipeline.rebuild import rebuild
from pullstats.store import open_store
from support.places import DATA

TakeIn = Callable[..., IngestSummary]


def write(path: Path, count: int, day: int = 1, host: str = "192.0.2.1") -> Path:
    rows = (f'{host} - - [{day:02}/Mar/2026:00:00:{n:02} +0000] "GET /a/{n} HTTP/1.1" 200 10 "-" "curl/8.0"\n' for n in range(count))
    path.write_text("".join(rows))
    return path


def held(store: Path) -> pl.DataFrame:
    return open_store(store).scan_events().collect()


@pytest.fixture
def store(tmp_path: Path, take_in: TakeIn) -> Path:
    """Ingest ten lines with a key of one's own."""
    take_in(write(tmp_path / "a.log", 10), key_file=tmp_path / "mine" / "key")
    return tmp_path / "store"


def test_another_key_is_refused_and_nothing_is_counted_again(tmp_path: Path, take_in: TakeIn, store: Path) -> None:
    before = sorted(path.name for path in store.rglob("*"))
    load_key(tmp_path / "other" / "key")
    with pytest.raises(InputError, match=r"in use since \d{4}-.*--key-file.*--new-key-epoch") as caught:
        take_in(tmp_path / "a.log", key_file=tmp_path / "other" / "key")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no key at"):
        take_in(tmp_path / "a.log", key_file=tmp_path / "nowhere" / "key")
    assert not (tmp_path / "nowhere").exists()
    with pytest.raises(InputError, match="--new-key-epoch"):
        take_in(tmp_path / "a.log", key_file=tmp_path / "other" / "key", is_dry_run=True)
    assert sorted(path.name for path in store.rglob("*")) == before
    assert held(store).height == 10


def test_rebuild_with_another_key_is_refused(tmp_path: Path, store: Path) -> None:
    load_key(tmp_path / "other" / "key")
    with pytest.raises(InputError, match="--key-file"):
        rebuild(store, key_file=tmp_path / "other" / "key")
    rebuild(store, key_file=tmp_path / "mine" / "key")


def test_a_new_epoch_begins_on_purpose_and_logs_stay_known(tmp_path: Path, take_in: TakeIn, store: Path) -> None:
    key = tmp_path / "mine" / "key"
    with pytest.raises(InputError, match="holds the key this store is written with"):
        take_in(tmp_path / "a.log", key_file=key, is_new_key_epoch=True)
    key.rename(tmp_path / "mine" / "old")
    write(tmp_path / "a.log", 15)
    summary = take_in(tmp_path / "a.log", key_file=key, is_new_key_epoch=True)
    assert (summary.total("events"), summary.total("duplicates")) == (5, 10)
    assert any("back it up" in note for note in summary.notes)
    assert held(store)["key_epoch"].n_unique() == 2
    summary = take_in(tmp_path / "a.log", key_file=key)
    assert (summary.total("events"), summary.total("duplicates")) == (0, 15)
    with pytest.raises(InputError, match="--new-key-epoch"):
        take_in(tmp_path / "a.log", key_file=tmp_path / "mine" / "old")


def test_a_new_epoch_holds_though_nothing_new_was_read(tmp_path: Path, take_in: TakeIn, store: Path) -> None:
    key = tmp_path / "mine" / "key"
    key.unlink()
    assert take_in(tmp_path / "a.log", key_file=key, is_new_key_epoch=True).total("duplicates") == 10
    write(tmp_path / "a.log", 12)
    assert take_in(tmp_path / "a.log", key_file=key).total("events") == 2


def test_the_first_run_says_where_the_key_is(tmp_path: Path, take_in: TakeIn) -> None:
    key = tmp_path / "mine" / "key"
    notes = take_in(write(tmp_path / "a.log", 10), key_file=key).notes
    assert any(str(key) in note and "back it up" in note for note in notes)
    assert not any("back it up" in note for note in take_in(tmp_path / "a.log", key_file=key).notes)
    assert {path.name for path in key.parent.iterdir()} == {"key", "pullstats-identity.key"}
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in key.parent.iterdir())


def test_a_lost_identity_key_follows_from_the_first_key(tmp_path: Path, take_in: TakeIn, store: Path) -> None:
    (tmp_path / "mine" / "pullstats-identity.key").unlink()
    summary = take_in(tmp_path / "a.log", key_file=tmp_path / "mine" / "key")
    assert (summary.total("events"), summary.total("duplicates")) == (0, 10)


def test_where_the_identity_key_is_lost_what_may_have_been_read_is_refused_until_again(tmp_path: Path, take_in: TakeIn, store: Path) -> None:
    key = tmp_path / "mine" / "key"
    for path in key.parent.iterdir():
        path.unlink()
    options = {"key_file": key, "is_new_key_epoch": True}
    with pytest.raises(InputError, match="--again"):
        take_in(tmp_path / "a.log", **options)
    with pytest.raises(InputError, match="--again"):
        take_in(write(tmp_path / "a.log.1", 4), **options)
    assert held(store).height == 10
    summary = take_in(write(tmp_path / "b.log", 7, day=2), **options)  # later than all that the store holds
    assert summary.total("events") == 7
    summary = take_in(write(tmp_path / "c.log", 3, host="192.0.2.9"), key_file=key, source_name="another server")
    assert summary.total("events") == 3
    with pytest.raises(InputError, match="--again"):  # what was read with the lost key stays unknown
        take_in(tmp_path / "a.log", key_file=key)
    assert take_in(tmp_path / "b.log", key_file=key).total("duplicates") == 7
    assert take_in(tmp_path / "a.log", key_file=key, is_again=True).total("events") == 10
    assert take_in(tmp_path / "a.log", key_file=key).total("duplicates") == 10


def test_keys_tell_nothing_of_each_other() -> None:
    key = HashKey(b"k" * 32)
    values = {key.secret, key.log_secret, key.check, key.log_check, key.epoch}
    assert len(values) == 5
    assert HashKey(b"j" * 32).check != key.check


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_keeps_the_identity_of_its_key(tmp_path: Path) -> None:
    key = load_key(tmp_path / "ro" / "key")
    (tmp_path / "ro" / "pullstats-identity.key").unlink()
    (tmp_path / "ro").chmod(0o500)
    assert load_key(tmp_path / "ro" / "key").log_check == key.log_check


# A store of 0.1: its sources have a tail and no digest, its key is known by the epoch of its events alone


@pytest.fixture
def old_store(tmp_path: Path) -> Path:
    """Copy a store that 0.1 wrote, with its key and its logs."""
    import shutil

    source = DATA / "store-0.1"
    shutil.copytree(source, tmp_path / "old")
    (tmp_path / "old" / "key").chmod(0o600)
    return tmp_path / "old"


def test_a_store_of_0_1_goes_on(tmp_path: Path, take_in: TakeIn, old_store: Path) -> None:
    """Its logs are known as they are, grown, cut short, renamed and compressed; and its key is held to."""
    import gzip

    store, log = old_store / "store", old_store / "access.log"
    text = log.read_text()
    rows = text.splitlines(keepends=True)
    options = {"store": store, "key_file": old_store / "key"}
    load_key(tmp_path / "other")
    with pytest.raises(InputError, match="--new-key-epoch"):
        take_in(log, store=store, key_file=tmp_path / "other")
    assert take_in(log, **options).total("duplicates") == len(rows)
    (tmp_path / "short.log").write_text("".join(rows[:5]))
    assert take_in(tmp_path / "short.log", **options).total("duplicates") == 5
    (tmp_path / "packed.gz").write_bytes(gzip.compress(text.encode()))
    assert take_in(tmp_path / "packed.gz", **options).total("duplicates") == len(rows)
    log.write_text(text + rows[-1].replace("GET", "PUT"))
    summary = take_in(log.rename(tmp_path / "access.log.1"), **options)
    assert (summary.total("events"), summary.total("duplicates")) == (1, len(rows))
    assert take_in(tmp_path / "access.log.1", **options).total("duplicates") == len(rows) + 1
    assert open_store(store).scan_events().collect().height == len(rows) + 1

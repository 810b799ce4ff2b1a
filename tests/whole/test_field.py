"""Logs as the field writes them: public reports of those who count requests, each with what it must be read as."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.field_cases import FieldCase, find_faults, load_field_cases


def _marked(case: FieldCase) -> object:
    marks = pytest.mark.xfail(strict=True, reason="not read yet") if case.is_not_yet_read else ()
    return pytest.param(case, id=case.name, marks=marks)


@pytest.mark.parametrize("case", [_marked(case) for case in load_field_cases()])
def test_a_log_from_the_field_is_read_for_what_it_is(
    case: FieldCase, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = find_faults(case, tmp_path, capsysbinary, monkeypatch)
    assert not faults, "\n".join(faults)

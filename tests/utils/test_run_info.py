"""What is noted of a run."""

import datetime
import json

from utils import run_info


def test_the_last_second_of_a_month_is_of_its_last_day(tmp_path, monkeypatch):
    """Dates are YYYY-MM-DD, of UTC."""
    moment = datetime.datetime(2027, 1, 31, 23, 59, 59, tzinfo=datetime.UTC)
    monkeypatch.setattr(run_info, "START", moment.timestamp())
    run_info.write_run_info(tmp_path / "run_info.json", {}, tmp_path)
    assert json.loads((tmp_path / "run_info.json").read_text())["started"] == "2027-01-31T23:59:59+00:00"

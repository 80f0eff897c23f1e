"""The benchmark of short phrases reads reports, and tells which goals are met."""

from tests.bench.reddots import read_figures, section

HEADER = "part sex system kind metric value low high misses false_alarms few_errors"
ERRORS = {
    "gmm_llr": (0.015, 0.16, 0.004),
    "hmm_viterbi": (0.021, 0.01, 0.001),
    "fused": (0.01, 0.01, 0.001),
}


def test_errors_stand_beside_their_goals(tmp_path):
    rows = [HEADER.split()]
    for system, values in ERRORS.items():
        for kind, value in zip(("IC", "TW", "IW"), values, strict=True):
            rows.append(["01", "all", system, kind, "eer", str(value), "0", "0.2", "8", "16", "true"])
            rows.append(["01", "m", system, kind, "eer", "0.9", "0", "1", "8", "16", "false"])
    report = tmp_path / "results.tsv"
    report.write_text("".join("\t".join(row) + "\n" for row in rows))
    body = section({"fsdd": read_figures(report)}, {"fsdd": 300.0})
    assert "| gmm_llr | 1.50* [0.00, 20.00] | 16.00* [0.00, 20.00] |" in body and "90.00" not in body
    assert "gmm_llr | 1.50 | 16.00 | 0.40 | 1.6 / 25 / 1.2 | yes |" in body
    assert "hmm_viterbi | 2.10 | 1.00 | 0.10 | 2 / 4.5 / 0.4 | NO |" in body
    assert "fused | 1.00 | 1.00 | 0.10 | 1.3 / 3 / 0.3 | yes |" in body
    assert "hmm_viterbi over gmm_llr |  | 0.06 |  | 0.3 of TW | yes |" in body

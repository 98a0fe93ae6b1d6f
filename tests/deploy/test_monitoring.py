"""Alerts fire when they should, by Prometheus' own tool, and name only metrics that a gateway has."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / "deploy" / "monitoring"
METRIC = re.compile(r"\bplatform_\w+")


def rules():
    groups = yaml.safe_load((FOLDER / "rules.yaml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def expressions():
    dashboard = json.loads((FOLDER / "dashboard.json").read_text(encoding="utf-8"))
    panels = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [rule["expr"] for rule in rules()] + panels


def test_only_metrics_that_there_are_are_asked_for():
    pytest.importorskip("fastapi", reason="needs the extra 'platform'")
    from tfproductgan.platform.looks import Look
    from tfproductgan.platform.metrics import Metrics
    from tfproductgan.platform.recognition import Recognised

    metrics, look = Metrics(), {("shop", "one"): Look(1, 0, 0, 0, 0, 0)}
    recognised = {("shop", "one"): {"colour": Recognised(1, 1, 1, 1)}}
    text = metrics.exposition(0, True, {"shop": "one"}, look, look, recognised).decode()
    known = set(re.findall(r"^# TYPE (\w+)", text, re.M))
    histograms = set(re.findall(r"^# TYPE (\w+) histogram", text, re.M))
    known |= {f"{name}_bucket" for name in histograms}
    asked = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert asked and asked <= known, asked - known


def test_every_alert_says_what_is_wrong_and_is_tested():
    tested = {
        each["alertname"]
        for test in yaml.safe_load((FOLDER / "rules_test.yaml").read_text(encoding="utf-8"))["tests"]
        for each in test.get("alert_rule_test", ())
        if each.get("exp_alerts")
    }
    assert {rule["alert"] for rule in rules()} == tested
    for rule in rules():
        assert rule["labels"]["severity"] in ("page", "ticket") and rule["annotations"]["summary"]


@pytest.mark.parametrize(
    "command",
    [
        "promtool check rules rules.yaml",
        "promtool test rules rules_test.yaml",
        "amtool check-config alertmanager.yaml",
        "promtool check config --syntax-only prometheus.yaml",
    ],
)
def test_their_own_tools_accept_the_files(command):
    words = command.split()
    if not shutil.which(words[0]):
        pytest.skip(f"needs {words[0]}")
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr

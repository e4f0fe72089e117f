# SPDX-License-Identifier: Apache-2.0
"""Alert rules and dashboard: what they name is exported, and Prometheus takes them."""

import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest
import yaml
from conftest import ROOT, free_port, until

PROMETHEUS = ROOT / "deploy/prometheus"
DASHBOARD = ROOT / "deploy/grafana/dashboards/kesu.json"
SINGLE = ["intake", "routing", "sla-watch", "notification", "analytics", "email"]
DAEMONS = [*SINGLE, "routing-worker"]
needs_prometheus = pytest.mark.skipif(not shutil.which("promtool"), reason="needs Debian's prometheus")


def alerts():
    return [rule for group in yaml.safe_load((PROMETHEUS / "alerts.yml").read_text())["groups"] for rule in group["rules"]]


def panels():
    """(title, expression) of each line drawn."""
    board = json.loads(DASHBOARD.read_text())
    return [(panel["title"], target["expr"]) for panel in board["panels"] for target in panel["targets"]]


def started(office):
    incoming = office.dir / "incoming"
    for part in ("new", "cur", "tmp"):
        (incoming / part).mkdir(parents=True)
    office.settings["email"] = ["--maildirs", f"complaints@kesu.example={incoming}"]
    office.settings["notification"] = ["--maildir", str(office.dir / "sent"), "--smtp-url", ""]
    office.start_all(*DAEMONS)
    return office


def test_every_metric_that_is_named_is_exported(office):
    started(office)
    exported = set()
    for daemon in DAEMONS:
        status, text = office.http(daemon, "/metrics")
        assert status == 200
        exported |= set(re.findall(r"^([a-z_]+)[ {]", text, re.MULTILINE))
    expressions = [(rule["alert"], rule["expr"]) for rule in alerts()] + panels()
    assert len(expressions) >= 50
    named = {name for _, expr in expressions for name in re.findall(r"\bkesu_[a-z_]+", expr)}
    missing = {name: [what for what, expr in expressions if name in expr] for name in named - exported}
    assert not missing, missing


def test_every_alert_says_how_bad_it_is_and_what_to_do():
    for rule in alerts():
        assert rule["labels"]["severity"] in ("page", "ticket"), rule
        assert rule["annotations"]["summary"] and rule["annotations"]["action"], rule
    names = [rule["alert"] for rule in alerts()]
    assert len(names) == len(set(names)) >= 20


@needs_prometheus
@pytest.mark.parametrize(
    "command",
    [
        ["check", "config", PROMETHEUS / "prometheus.yml"],
        ["test", "rules", ROOT / "tests/e2e/alerts.test.yml"],
    ],
    ids=["configuration", "alerts"],
)
def test_promtool_finds_nothing_wrong(command):
    done = subprocess.run(["promtool", *map(str, command)], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_test_of_the_alerts_knows_all_of_them():
    tested = yaml.safe_load((ROOT / "tests/e2e/alerts.test.yml").read_text())["tests"][0]["promql_expr_test"][0]
    fired = {re.search(r'alertname="(\w+)"', sample["labels"]).group(1) for sample in tested["exp_samples"]}
    assert fired == {rule["alert"] for rule in alerts()}


class Prometheus:
    """The real one, on our configuration with the addresses of these daemons."""

    def __init__(self, office):
        self.office, self.port = office, free_port()
        self.dir = office.dir / "prometheus"
        self.dir.mkdir()
        config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
        config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
        config["scrape_configs"] = [
            {"job_name": job, "static_configs": [{"targets": [self.address(d)], "labels": {"daemon": d}} for d in names]}
            for job, names in (("kesu", SINGLE), ("kesu-workers", ["routing-worker"]))
        ]
        (self.dir / "prometheus.yml").write_text(yaml.safe_dump(config))
        shutil.copy(PROMETHEUS / "alerts.yml", self.dir)
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={self.dir}/prometheus.yml", f"--storage.tsdb.path={self.dir}/data",
             f"--web.listen-address=127.0.0.1:{self.port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def address(self, daemon):
        return "127.0.0.1:" + (self.office.run / f"{daemon}.port").read_text().strip()

    def ask(self, path, **parameters):
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.loads(answer.read())["data"]
        except OSError:
            return None

    def query(self, expr):
        answer = self.ask("query", query=expr)
        return None if answer is None else answer["result"]


@pytest.fixture
def prometheus(office):
    started(office)
    made = Prometheus(office)
    try:
        yield made
    finally:
        made.process.terminate()
        made.process.wait(30)


def test_prometheus_scrapes_every_service_of_compose():
    jobs = {job["job_name"]: job for job in yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]}
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    targets = [target for static in jobs["kesu"]["static_configs"] for target in static["targets"]]
    assert sorted(targets) == sorted(f"{daemon}:9464" for daemon in SINGLE)
    assert {name for job in jobs["kesu-workers"]["dns_sd_configs"] for name in job["names"]} == {"routing-worker"}
    assert {name for name, service in services.items() if service.get("command", [""])[0].startswith("kesu-")} == set(DAEMONS)


@needs_prometheus
def test_prometheus_sees_the_daemons_and_understands_every_rule_and_panel(prometheus):
    office = prometheus.office
    until(lambda: len(prometheus.query("up == 1") or []) == len(DAEMONS), "all daemons scraped")
    until(lambda: len(prometheus.query("kesu_ready == 1") or []) == len(DAEMONS), "all daemons ready")

    def rules():
        found = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
        return found if all(rule["lastEvaluation"] > "0002" for rule in found) else None

    for rule in until(rules, "every rule evaluated"):
        assert rule["health"] == "ok", rule
    assert len(rules()) == len(alerts())
    for title, expr in panels():
        assert prometheus.query(expr.replace("$__rate_interval", "30s")) is not None, (title, expr)
    assert prometheus.query("ALERTS") == []

    office.agents_present()
    office.kesu("submit", "--text", "包裹送到的時候全濕了", "--email", "wang@example.com")
    until(
        lambda: any(float(row["value"][1]) >= 1 for row in prometheus.query("kesu_routing_results_total") or []),
        "a complaint's way in the figures",
    )
    office.kill("sla-watch")
    until(
        lambda: [row["metric"]["daemon"] for row in prometheus.query('ALERTS{alertname="KesuDown"}') or []] == ["sla-watch"],
        "the alert of a daemon that is gone",
    )

# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The metrics of a report, read by the grammar of Prometheus' text format."""

from __future__ import annotations

import re

import fleet
from ansible_collections.port443.https.plugins.plugin_utils._fleet_metrics import render_metrics

# https://github.com/prometheus/docs, instrumenting/exposition_formats.md
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{{{LABEL}(?:,{LABEL})*\}})? (-?[0-9]+)")


def metrics(hosts):
    """The samples by their names and labels; each line is one, or the help or type of the next ones."""
    text = render_metrics(fleet.report(hosts))
    assert text.endswith("\n")
    samples, helped = {}, set()
    for line in text[:-1].split("\n"):
        if line.startswith("# "):
            helped.add(line.split(" ")[2])
            continue
        name, labels, value = SAMPLE.fullmatch(line).groups()
        assert name in helped
        assert name + (labels or "") not in samples
        samples[name + (labels or "")] = int(value)
    return samples


def test_each_line_parses_and_no_sample_is_there_twice():
    assert len(metrics(fleet.fleet(20))) > 200


def test_a_host_is_told():
    samples = metrics({"web": fleet.host(3)})
    expected = {
        "port443_report_timestamp_seconds": 1796000400,
        'port443_host_answered{host="web"}': 1,
        'port443_port_verdict{host="web",port="443",protocol="tcp",family="ipv4",verdict="open"}': 0,
        'port443_port_verdict{host="web",port="443",protocol="tcp",family="ipv4",verdict="blocked"}': 1,
        'port443_check_success{host="web",check="tcp"}': 0,
        'port443_check_success{host="web",check="tls"}': 1,
        'port443_certificate_expiry_timestamp_seconds{host="web",site="shop3.example.com"}': 1798588800,
        'port443_certificate_served{host="web",site="shop3.example.com"}': 1,
    }
    assert {name: samples.get(name) for name in expected} == expected


def test_what_is_not_known_is_left_out():
    site = {"name": "a", "installed": None, "served": "unknown"}
    names = metrics({"web": {"__report_https_certificates": {"sites": [site]}}})
    assert not any("certificate" in name for name in names)


def test_labels_are_escaped():
    site = {**fleet.certificate('a"b\\c\nd', 3), "name": 'a"b\\c\nd'}
    names = metrics({'we"b': {"__report_https_certificates": {"sites": [site, site]}}})
    # A line break is escaped before, as wherever a text of a host is shown.
    assert 'port443_certificate_served{host="we\\"b",site="a\\"b\\\\c\\\\nd"}' in names

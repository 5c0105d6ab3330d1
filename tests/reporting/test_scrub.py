"""Passwords do not reach messages, notebooks or records."""

from __future__ import annotations

from workbench.reporting.scrub import Scrubber

URL = "mysql://reader:s3cr%40t-word@db.example/dora"


def test_the_password_of_a_configured_url_is_masked_in_either_spelling() -> None:
    scrub = Scrubber({"WORKBENCH_METRICS_URL": URL})
    assert scrub.text("tried s3cr%40t-word, then s3cr@t-word") == "tried ***, then ***"
    assert scrub.text(f"cannot reach {URL}") == "cannot reach mysql://reader:***@db.example/dora"


def test_any_url_loses_its_password_whether_configured_or_not() -> None:
    assert Scrubber({}).text("at cassandra://u:pw@h:9042/k.") == "at cassandra://u:***@h:9042/k."
    assert Scrubber({}).text("https://example.org/a:b@c and 12:30@noon") == "https://example.org/a:b@c and 12:30@noon"


def test_a_short_password_is_masked_inside_urls_only_so_that_numbers_survive() -> None:
    scrub = Scrubber({"WORKBENCH_METRICS_URL": "mysql://u:1@h/d"})
    assert scrub.text("11 of 12; mysql://u:1@h/d") == "11 of 12; mysql://u:***@h/d"


def test_passwords_in_a_query_string_or_a_variable_of_their_own_are_masked() -> None:
    scrub = Scrubber(
        {"WORKBENCH_LOGS_URL": "cassandra://h/k?password=hunter22&x=plainly", "WORKBENCH_API_TOKEN": "tok-123"}
    )
    assert scrub.text("hunter22 tok-123 plainly") == "*** *** plainly"


def test_variables_of_others_are_left_alone() -> None:
    assert Scrubber({"HOME_URL": "http://u:abcdef@h"}).text("abcdef") == "abcdef"
    assert Scrubber({"WORKBENCH_METRICS_URL": "http://[bad"}).text("bad") == "bad"


def test_every_text_of_a_tree_is_masked() -> None:
    scrub = Scrubber({"WORKBENCH_METRICS_URL": URL})
    assert scrub.tree({"a": ["s3cr@t-word", {"b": "x s3cr@t-word"}], "n": 1}) == {"a": ["***", {"b": "x ***"}], "n": 1}

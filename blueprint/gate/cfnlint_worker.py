"""The child process: cfn-lint once imported, then one template per line of its requests.

Faster than the ``cfn-lint`` command on the same files for two reasons: several of these run side by side,
and the garbage collector is off (importing 400 rule modules makes it walk a growing heap again and again:
0.2 s of 0.65 s). A child lives for some seconds and 200 MB, so nothing needs collecting.

It ends when its requests end, that is also when its parent is killed.
"""

from __future__ import annotations

import gc
import json
import os
import signal
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from blueprint.gate.findings import CFN_LINT, Finding, Severity, split_path

if TYPE_CHECKING:
    from cfnlint.config import ConfigMixIn
    from cfnlint.match import Match
    from cfnlint.rules import Rules

INCLUDED = ("I",)  # beside errors and warnings, which cfn-lint always reports
CRASHED = "E0002"  # "unknown exception while processing rule": what the rule would have found is unknown
_SEVERITIES: dict[str, Severity] = {"error": "error", "warning": "warning"}


def main(others: Sequence[tuple[int, int]] = ()) -> None:
    """Serve standard input and output, and in a fork each of ``others``: descriptors of requests and replies.

    One JSON object a line: ``{key, text, regions}`` in, ``{key, complete, findings or error}`` out.
    """
    gc.disable()
    own = (os.dup(0), os.dup(1))
    os.dup2(2, 1)  # whatever a library prints must not end up among the replies
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # a fork that kept it would keep a dead reader's pipe open
    linter = _Linter()
    if others:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the forks
    for lane in others:
        if os.fork() == 0:
            # A pipe ends for its reader when its last writer closes: keep none that belongs to another.
            for end in (end for pair in (own, *others) if pair != lane for end in pair):
                os.close(end)
            _serve(linter, lane)
            os._exit(0)
    for end in (end for pair in others for end in pair):
        os.close(end)
    _serve(linter, own)


def _serve(linter: _Linter, lane: tuple[int, int]) -> None:
    with open(lane[0], "rb") as requests, open(lane[1], "w", encoding="utf-8") as replies:
        for line in requests:
            request = json.loads(line)
            try:
                reply = linter.lint(request["text"], tuple(request["regions"]))
            except Exception as error:  # the parent tells the person which template it was
                reply = {"error": f"{type(error).__name__}: {error}"}
            print(json.dumps({"key": request["key"], **reply}), file=replies, flush=True)


class _Linter:
    def __init__(self) -> None:
        from cfnlint.config import ConfigMixIn
        from cfnlint.runner import Runner

        self._configs: dict[tuple[str, ...], ConfigMixIn] = {}
        self._rules: Rules = Runner(ConfigMixIn(include_checks=list(INCLUDED))).rules

    def lint(self, text: str, regions: tuple[str, ...]) -> dict[str, Any]:
        from cfnlint.decode.decode import decode_str
        from cfnlint.runner.template import run_template_by_data

        template, matches = decode_str(text)
        if not matches and template is not None:
            _drop_suppressions(template)
            matches = list(run_template_by_data(template, self._config(regions), self._rules))
        complete = all(match.rule.id != CRASHED for match in matches)
        return {"complete": complete, "findings": [_finding(match).as_dict() for match in matches]}

    def _config(self, regions: tuple[str, ...]) -> ConfigMixIn:
        from cfnlint.config import ConfigMixIn

        if regions not in self._configs:
            config = ConfigMixIn(regions=list(regions), include_checks=list(INCLUDED))
            self._configs[regions] = config
        return self._configs[regions]


def _drop_suppressions(template: Any) -> None:
    """Lint as if nothing were suppressed; the parent applies them, and so knows which are not needed."""
    resources = template.get("Resources") if isinstance(template, dict) else None
    holders = [template, *(resources.values() if isinstance(resources, dict) else ())]
    for holder in holders:
        metadata = holder.get("Metadata") if isinstance(holder, dict) else None
        if isinstance(metadata, dict):
            metadata.pop("cfn-lint", None)


def _finding(match: Match) -> Finding:
    logical_id, property_path = split_path([str(part) for part in getattr(match, "path", None) or ()])
    return Finding(
        template="",
        logical_id=logical_id,
        property_path=property_path,
        rule=match.rule.id,
        severity=_SEVERITIES.get(match.rule.severity, "info"),
        message=" ".join(match.message.split()),
        link=match.rule.source_url or "",
        validator=CFN_LINT,
        line=match.linenumber,
        column=match.columnnumber,
    )

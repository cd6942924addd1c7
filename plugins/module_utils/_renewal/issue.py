# Copyright: port443.https contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has certbot issue certificates where those that are there will not do, installs them, has the host renew them.

All sites are looked at before anything changes. Then one follows the other: a CA counts what it issues, so a site that
fails takes nothing of the others back, and those after it are tried all the same.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field, replace
from typing import Dict, List, Optional, Tuple

from ansible_collections.port443.https.plugins.module_utils._certificate.site_options import gather_problems
from ansible_collections.port443.https.plugins.module_utils._errors import HostError, UserError, tell_error
from ansible_collections.port443.https.plugins.module_utils._host.directory import hold_lock
from ansible_collections.port443.https.plugins.module_utils._host.run import Completed
from ansible_collections.port443.https.plugins.module_utils._renewal import certbot as _certbot
from ansible_collections.port443.https.plugins.module_utils._renewal import lineage as _lineage
from ansible_collections.port443.https.plugins.module_utils._renewal import zipapp
from ansible_collections.port443.https.plugins.module_utils._renewal.accounts import explain
from ansible_collections.port443.https.plugins.module_utils._renewal.application import PATIENCE, install_newest
from ansible_collections.port443.https.plugins.module_utils._renewal.challenge import wait_for_answer
from ansible_collections.port443.https.plugins.module_utils._renewal.defaults import (
    Default,
    read_all,
    refuse_beaten,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.installed_files import FilesByPath, InstalledFiles
from ansible_collections.port443.https.plugins.module_utils._renewal.outcome import (
    RenewalContext,
    RenewalDiff,
    RunOutcome,
    SiteOutcome,
    attempt,
    describe_files,
    describe_lineage,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.outlook import is_short, tell_hasty, tell_late
from ansible_collections.port443.https.plugins.module_utils._renewal.prepare import make_webroot, needs_webroot
from ansible_collections.port443.https.plugins.module_utils._renewal.purge_lineage import (
    list_copies,
    purge_lineage,
    remove_refused,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.request import (
    RenewalRequest,
    RenewalTask,
)
from ansible_collections.port443.https.plugins.module_utils._renewal.timer import find_certbot_timer, find_unknown

NOT_INSTALLED = "certbot is not installed on this host: install the distribution's package"


class MissingCertbotError(Exception):
    """certbot is not on the host, and whoever asked has it installed."""


class AccountError(HostError):
    """certbot has no account with a CA that will do, whichever site is asked for."""


@dataclass(frozen=True)
class SitePlan:
    """What there is of a site and what has to be; ``reasons`` are why certbot has to issue its certificate."""

    request: RenewalRequest
    want: _lineage.WantedLineage
    have: Optional[_lineage.Lineage]
    reasons: Tuple[str, ...]
    files: FilesByPath
    wanted_files: FilesByPath

    def commands(self) -> Tuple[str, ...]:
        """Returns the command that issues the certificate, none where none has to be."""
        if not self.reasons:
            return ()
        return (" ".join(_certbot.issue_command(self.want, self.request.account, again=self.have is not None)),)


def issue(context: RenewalContext, task: RenewalTask) -> RunOutcome:
    """Gets, installs and has renewed what is asked for; in check mode only looks.

    Raises MissingCertbotError, and HostError or OSError where something that is found beforehand keeps a site from it.
    """
    machinery = context.machinery()
    interpreter = zipapp.find_interpreter(context.host)
    issuance = Issuance(context, machinery, _certbot.hook_command(interpreter, context.layout.program))
    lacks_webroot = needs_webroot(context, task)
    plans = issuance.plan(task)
    wanted = machinery.want(interpreter)
    files = machinery.have(tuple(wanted))
    lacks_certbot = task.install and context.host.find("certbot") is None
    if lacks_certbot and not context.check_mode:
        raise MissingCertbotError
    # In check mode a certbot that is missing may be what an earlier task would install.
    if any(plan.reasons for plan in plans) and not (context.check_mode and context.host.find("certbot") is None):
        _certbot.refuse_unusable(context.host)
    commands = machinery.start_commands()
    sites: List[SiteOutcome] = []
    if context.check_mode:
        sites += [issuance.foresee(plan) for plan in plans]
    else:
        make_webroot(context, task)
        with machinery.installed(files, wanted, lambda: any(site.needs_files for site in sites)):
            machinery.start()
            for plan in plans:
                sites.append(issuance.carry_out(plan))
    stays = any(site.needs_files for site in sites)
    own = context.layout.own
    return RunOutcome(
        task,
        tuple(sites),
        RenewalDiff(own, describe_files(files), describe_files(wanted) if stays else describe_files(files)),
        changed=lacks_webroot or (stays and (bool(commands) or files != wanted)),
        commands=tuple(map(" ".join, commands)) if stays else (),
        warnings=() if lacks_certbot else _warn_of_renewal(context),
        lacks_certbot=lacks_certbot,
    )


@dataclass(frozen=True)
class Issuance:
    """Plans and carries out what is to be done for one site after the other; ``hook`` is what certbot has to run.

    ``refused`` is filled with why a CA's server will not do with the account that certbot has, by its address.
    """

    context: RenewalContext
    machinery: InstalledFiles
    hook: str
    refused: Dict[str, str] = field(default_factory=dict)

    def plan(self, task: RenewalTask) -> List[SitePlan]:
        """Returns what is to be done for each site; raises HostError with all that keeps one from it."""
        plans: List[SitePlan] = []
        problems: List[Tuple[str, str]] = []
        defaults = read_all(self.context.host, self.context.layout)
        for request in task.sites:
            try:
                plans.append(self._plan_site(request, defaults))
            except (UserError, OSError) as problem:
                problems.append((request.site, tell_error(problem)))
        if problems:
            raise HostError("\n".join(gather_problems(problems, everyone=int(task.single))))
        return plans

    def foresee(self, plan: SitePlan) -> SiteOutcome:
        """Returns what would become of a site."""
        outcome = self._expect(plan)
        return outcome if plan.reasons else attempt(outcome, lambda outcome: self._install(plan, outcome))

    def carry_out(self, plan: SitePlan) -> SiteOutcome:
        """Has a site's certificate issued where it has to be, installs it, and returns what became of it."""
        outcome = self._expect(plan)
        problem = self.refused.get(plan.want.server, "") if plan.reasons else ""
        if not problem:
            try:
                with self.machinery.installed(plan.files, plan.wanted_files):
                    if plan.reasons:
                        self._have_issued(plan)
            except AccountError as refusal:
                problem = self.refused[plan.want.server] = refusal.message
            except (UserError, OSError) as refusal:
                problem = tell_error(refusal)
        if problem:  # and all is as it was
            before = outcome.difference
            return SiteOutcome(plan.request, replace(before, after=before.before), problem=problem)
        return attempt(outcome, lambda outcome: self._install(plan, outcome))

    def _plan_site(self, request: RenewalRequest, defaults: Tuple[Default, ...]) -> SitePlan:
        context, layout = self.context, self.context.layout
        want = self._want(request)
        refuse_beaten(defaults, layout, want)
        have = _lineage.observe(context.host, layout, request.site)
        reasons = _lineage.find_reasons(have, want, int(time.time()))
        wanted = self.machinery.want_settings(request.settings)
        return SitePlan(request, want, have, reasons, self.machinery.have(tuple(wanted)), wanted)

    def _want(self, request: RenewalRequest) -> _lineage.WantedLineage:
        name = self.context.layout.lineage(request.site)
        proof = (request.webroot, request.standalone_port)
        return _lineage.WantedLineage(
            name, request.names, request.key_type, request.server, *proof, self.hook, request.account.chosen
        )

    def _expect(self, plan: SitePlan) -> SiteOutcome:
        """What becomes of a site if nothing fails, but for its installation."""
        before = (*describe_lineage(plan.have), *describe_files(plan.files))
        after = (*describe_lineage(plan.have), *describe_files(plan.wanted_files))
        return SiteOutcome(
            plan.request,
            RenewalDiff(self.context.layout.live(plan.request.site), before, after),
            changed=bool(plan.reasons) or plan.files != plan.wanted_files,
            reasons=plan.reasons,
            commands=plan.commands(),
            needs_files=True,
        )

    def _install(self, plan: SitePlan, outcome: SiteOutcome) -> SiteOutcome:
        """Installs the newest certificate and has it served; raises HostError or OSError."""
        context, site = self.context, plan.request.site
        how = (plan.request.settings, context.check_mode, context.relabel, context.folder)
        with hold_lock(context.layout.settings, make=False, patience=PATIENCE):
            now = _lineage.observe(context.host, context.layout, site)
            result, warnings = install_newest(context.host, context.layout, *how)
        after = (*describe_lineage(now), *describe_files(plan.wanted_files))
        return replace(
            outcome,
            changed=outcome.changed or result["changed"],
            difference=replace(outcome.difference, after=after),
            installed=result,
            warnings=warnings + self._warn_of_renewal(site, now, issued=bool(plan.reasons)),
        )

    def _have_issued(self, plan: SitePlan) -> None:
        """Has certbot issue a certificate; raises HostError where it does not, or issues another one."""
        context, want, again = self.context, plan.want, plan.have is not None
        if not again:
            purge_lineage(context.host, context.layout, plan.request.site)  # what is not whole would be in its way
        problem = "" if want.standalone_port is not None else ask_server(want)
        account, copies = plan.request.account, list_copies(context.layout)
        completed = _certbot.run(context.host, _certbot.issue_command(want, account, again), account.settings())
        if completed.returncode != 0:
            remove_refused(context.layout, want.names, copies)
            raise describe_refusal(context, completed, want.server, problem)
        now = _lineage.observe(context.host, context.layout, plan.request.site)
        left = _lineage.find_reasons(now, want, int(time.time()))
        if left:
            raise HostError(f"certbot said it succeeded, but {'; '.join(left)}: {_certbot.tell(completed)}")

    def _warn_of_renewal(self, site: str, now: Optional[_lineage.Lineage], issued: bool) -> Tuple[str, ...]:
        """What is wrong with how certbot renews the certificate that it has by now."""
        host, layout = self.context.host, self.context.layout
        if now is None:
            return ()
        late = "" if issued else tell_late(host, layout, site, now, int(time.time()))
        hasty = ""
        if is_short(now) and host.find("certbot") is not None:
            hasty = tell_hasty(layout, site, now, _certbot.read_version(host))
        return tuple(filter(None, (late, hasty)))


def ask_server(want: _lineage.WantedLineage) -> str:
    """Returns what is wrong with the web server's answer; a folder of somebody else's is for certbot to judge."""
    try:
        return wait_for_answer(want.webroot, want.names)
    except (UserError, OSError) as problem:
        return tell_error(problem)


def describe_refusal(context: RenewalContext, completed: Completed, server: str, problem: str = "") -> HostError:
    """Returns certbot's own words, and what is known here of why it said them."""
    told = f"'{' '.join(completed.argv)}' failed: {_certbot.tell(completed)}"
    known = explain(context.host, context.layout, server, completed)
    seen = f"Seen from this host: {problem}" if problem else ""
    refusal = AccountError if known else HostError
    return refusal("\n".join(filter(None, (told, seen, known))))


def _warn_of_renewal(context: RenewalContext) -> Tuple[str, ...]:
    if context.host.find("certbot") is None:
        return (NOT_INSTALLED,)
    unit, on = find_certbot_timer(context.host)
    if on == "masked":
        return (f"{unit} is masked, so nothing renews the certificate: unmask it, or run 'certbot renew' twice a day",)
    if unit is None and on == "no":
        return ("nothing on this host runs 'certbot renew': have a timer run it twice a day",)
    given = _certbot.passed_on(os.environ)
    missing = given if unit is None else find_unknown(context.host, unit, given)
    told = f"certbot was given {', '.join(missing)} here, and is not when {unit or 'cron'} renews the certificate"
    return (f"{told}: set it there, or have the host trust the CA's server",) if missing else ()

#!/usr/bin/env bash
# Sourced. `without_pwsh` prints what a run leaves out, for its line in the summary, where there is no PowerShell.
without_pwsh() {
    [ -n "${PORT443_PWSH:-}" ] || command -v pwsh >/dev/null ||
        echo " without its scripts, as no PowerShell is here (PORT443_PWSH, or pwsh on PATH)"
}

#!/usr/bin/env bash
# Sourced. Runs named steps under clear headings, goes on after a failure, and tells at the end what failed and how long
# each took: `step TITLE COMMAND...`, then `finish NAME`.
steps_passed=() steps_failed=()

step() {
    local title=$1 start=$SECONDS took
    shift
    printf '\n=== %s\n' "$title"
    if "$@"; then
        took="$title $((SECONDS - start)) s"
        steps_passed+=("$took")
        printf -- '--- passed: %s\n' "$took"
    else
        took="$title $((SECONDS - start)) s"
        steps_failed+=("$took")
        printf -- '--- FAILED: %s\n' "$took"
    fi
}

finish() {
    local passed failed
    passed=$(printf '%s, ' "${steps_passed[@]}") failed=$(printf '%s, ' "${steps_failed[@]}")
    if [ ${#steps_failed[@]} -gt 0 ]; then
        printf '\n%s: FAILED after %s s: %s\n' "$1" "$SECONDS" "${failed%, }"
        [ ${#steps_passed[@]} -eq 0 ] || printf '%s: passed: %s\n' "$1" "${passed%, }"
        return 1
    fi
    printf '\n%s: all passed in %s s: %s\n' "$1" "$SECONDS" "${passed%, }"
}

#!/usr/bin/env bash
# Sourced. Runs named steps under clear headings, goes on after a failure, and tells at the end what failed and how long
# each took: `step TITLE COMMAND...`, then `finish NAME`. What can run beside others is begun with `begin NAME COMMAND...`, or
# `begin NAME following OTHER COMMAND...`, and `step TITLE outcome_of NAME` shows in its turn what it printed. What cannot run here is told with `left_out WHAT-AND-WHY`.
steps_passed=() steps_failed=() steps_left_out=()
declare -A steps_begun=()

begin() { # NAME COMMAND...
    local name=$1
    shift
    mkdir -p .cache
    "$@" >".cache/$name.log" 2>&1 </dev/null &
    steps_begun[$name]=$!
    trap 'kill "${steps_begun[@]}" 2>/dev/null || true' EXIT
}

# Runs a command when what was begun before under that name has ended.
following() { # NAME COMMAND...
    tail --pid="${steps_begun[$1]}" --follow /dev/null
    "${@:2}"
}

outcome_of() { # NAME
    local code=0
    wait "${steps_begun[$1]}" || code=$?
    unset "steps_begun[$1]"
    cat ".cache/$1.log"
    return "$code"
}

left_out() {
    printf '\n=== not run here: %s\n' "$1"
    steps_left_out+=("$1")
}

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
    local passed failed left_out all=all
    passed=$(printf '%s, ' "${steps_passed[@]}") failed=$(printf '%s, ' "${steps_failed[@]}")
    left_out=$(printf '%s; ' "${steps_left_out[@]}")
    echo
    if [ ${#steps_left_out[@]} -gt 0 ]; then
        echo "$1: NOT RUN HERE: ${left_out%; }"
        all="all that was run"
    fi
    if [ ${#steps_failed[@]} -gt 0 ]; then
        echo "$1: FAILED after $SECONDS s: ${failed%, }"
        [ ${#steps_passed[@]} -eq 0 ] || echo "$1: passed: ${passed%, }"
        return 1
    fi
    echo "$1: $all passed in $SECONDS s: ${passed%, }"
}

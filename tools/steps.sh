#!/usr/bin/env bash
# Sourced. Runs named steps under clear headings, goes on after a failure, and tells at the end what failed and how long
# each took: `step TITLE COMMAND...`, then `finish NAME`. What can run beside others is begun with `begin NAME COMMAND...`, or
# `begin NAME following OTHER COMMAND...`, and `step TITLE outcome_of NAME` shows in its turn what it printed. What cannot run
# here is told with `left_out WHAT-AND-WHY`.
steps_passed=() steps_failed=() steps_left_out=()
declare -A steps_begun=()

# Each is in a process group of its own, so that all of it can be ended.
begin() { # NAME [following OTHER] COMMAND...
    local name=$1 other=
    shift
    if [ "$1" = following ]; then
        other=${steps_begun[$2]}
        shift 2
    fi
    mkdir -p .cache
    set -m
    run_begun "$name" "$other" "$@" >".cache/$name.log" 2>&1 </dev/null &
    set +m
    steps_begun[$name]=$!
    trap end_begun EXIT
}

end_begun() {
    local job
    for job in "${steps_begun[@]}"; do kill -- "-$job" 2>/dev/null || true; done
}

run_begun() { # NAME PROCESS COMMAND...   begins when that process has ended, and leaves how many seconds it took itself
    local start code=0
    [ -z "$2" ] || tail --pid="$2" --follow /dev/null
    start=$SECONDS
    "${@:3}" || code=$?
    echo "$((SECONDS - start))" >".cache/$1.took"
    return "$code"
}

outcome_of() { # NAME
    local code=0
    wait "${steps_begun[$1]}" || code=$?
    unset "steps_begun[$1]"
    cat ".cache/$1.log"
    begun_took=$(cat ".cache/$1.took" 2>/dev/null || true)
    return "$code"
}

left_out() {
    printf '\n=== not run here: %s\n' "$1"
    steps_left_out+=("$1")
}

step() {
    local title=$1 start=$SECONDS took begun_took=
    shift
    printf '\n=== %s\n' "$title"
    if "$@"; then
        took="$title ${begun_took:-$((SECONDS - start))} s"
        steps_passed+=("$took")
        printf -- '--- passed: %s\n' "$took"
    else
        took="$title ${begun_took:-$((SECONDS - start))} s"
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

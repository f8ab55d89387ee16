#!/bin/sh
# What the container of `infrastructure.terraform.taskDefinition` runs: it plans, or applies exactly the plan
# file that was proposed.
#
#   FROM hashicorp/terraform:1.11
#   RUN apk add --no-cache aws-cli
#   COPY run.sh /usr/local/bin/tidegate-terraform
#   WORKDIR /configuration
#   COPY . .
#   ENTRYPOINT ["tidegate-terraform"]
#
# Tidegate says what to do:
#   TIDEGATE_STEP         plan or apply
#   TIDEGATE_PLACE        s3://BUCKET/PREFIX/DEPLOYMENT, where the plan is left and fetched
#   TIDEGATE_PLAN_SHA256  for apply: the plan file that was proposed, and approved where people were asked
#   TIDEGATE_DEPLOYMENT   for the container's log
#   TF_VAR_...            the image by digest, and the variables of the deployment file
#
# and, to plan with what an analyzer generated (`generatedVariables: true`):
#   TIDEGATE_VAR_FILE_S3, TIDEGATE_VAR_FILE_VERSION   the object, and which version of it where the analyzer says
#   TIDEGATE_VAR_FILE_SHA256                          of its content; anything else is refused
#   TIDEGATE_VARIABLES                                names of the TF_VAR_... that go before what is generated
#
# You may set TIDEGATE_LOCK_TIMEOUT: how long a lock of the state is waited for (default: 60s).
#
# The state and its lock are Terraform's own: use the S3 backend with `use_lockfile = true`. The task's role
# needs what the configuration changes, the state, s3:PutObject and s3:GetObject below TIDEGATE_PLACE, and for
# generated variables s3:GetObject and s3:GetObjectVersion where they are. Give the container a `stopTimeout` of 120: stopped by ECS, it lets Terraform write its state and free the lock.
#
# Exit codes: 20 the plan file is not the one that was proposed, 21 the state was changed after the plan was
# made, 22 somebody else holds the lock, 23 the generated variables are not those that the analyzer named; else as
# Terraform's.
set -eu

: "${TIDEGATE_STEP:?}" "${TIDEGATE_PLACE:?}"
lock_timeout=${TIDEGATE_LOCK_TIMEOUT:-60s}
export TF_IN_AUTOMATION=1 TF_INPUT=0

# A plan has secrets in clear: nobody else reads it, and nothing of it stays.
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo "tidegate: $TIDEGATE_STEP for ${TIDEGATE_DEPLOYMENT:-a deployment}"

# Ends with an exit code, and leaves word of why.
fail() {
    printf '%s\n' "$2" >"$work/error.txt"
    aws s3 cp --only-show-errors "$work/error.txt" "$TIDEGATE_PLACE/$TIDEGATE_STEP-error.txt" || true
    echo "tidegate: failed ($1) $2" >&2
    exit "$1"
}

# Runs Terraform with its words in the container's log and in $work/said; $code is how it ended. A request to
# stop is passed on, and Terraform is waited for even so.
run() {
    code=0
    mkfifo "$work/words"
    tee "$work/said" <"$work/words" &
    log=$!
    terraform "$@" >"$work/words" 2>&1 &
    running=$!
    trap 'kill -TERM "$running" 2>/dev/null || true' TERM INT
    wait "$running" || code=$?
    while kill -0 "$running" 2>/dev/null; do
        code=0
        wait "$running" || code=$?
    done
    trap - TERM INT
    wait "$log" || true
    rm -f "$work/words"
}

# The first line of what Terraform says of a name, such as `Who`, in what it says of a lock.
of_lock() {
    sed -n "s/^[^A-Za-z]*$1: *//p" "$work/said" | head -n 1
}

# Leaves only the first lines of errors: what follows quotes the configuration.
fail_as_terraform() {
    if grep -q 'Saved plan is stale' "$work/said"; then
        fail 21 ""
    elif grep -q 'Error acquiring the state lock' "$work/said"; then
        who=$(of_lock Who)
        fail 22 "by ${who:-somebody} since $(of_lock Created) (lock $(of_lock ID))"
    fi
    fail "$code" "$(sed -n 's/^[^A-Za-z]*\(Error: .*\)/\1/p' "$work/said" | cut -c 1-200 | head -n 10)"
}

must_run() {
    run "$@"
    [ "$code" -eq 0 ] || fail_as_terraform
}

sha256_of() {
    sum=$(sha256sum <"$1")
    echo "${sum%% *}"
}

# Fetches the variables that an analyzer generated into $generated: that version, with that content.
fetch_generated() {
    case $TIDEGATE_VAR_FILE_S3 in
    *.json) generated=$work/generated.tfvars.json ;;
    *) generated=$work/generated.tfvars ;;
    esac
    object=${TIDEGATE_VAR_FILE_S3#s3://}
    aws s3api get-object --bucket="${object%%/*}" --key="${object#*/}" \
        ${TIDEGATE_VAR_FILE_VERSION:+--version-id="$TIDEGATE_VAR_FILE_VERSION"} "$generated" >/dev/null ||
        fail 1 "Error: the generated variables can't be fetched from $TIDEGATE_VAR_FILE_S3"
    [ "$(sha256_of "$generated")" = "${TIDEGATE_VAR_FILE_SHA256:-}" ] || fail 23 ""
}

case $TIDEGATE_STEP in
plan)
    set --
    if [ -n "${TIDEGATE_VAR_FILE_S3:-}" ]; then
        fetch_generated
        set -- -var-file="$generated"
        # Terraform lets a file go before TF_VAR_...: here the image and the deployment file's own variables hold.
        for name in ${TIDEGATE_VARIABLES:-}; do
            set -- "$@" -var="$name=$(printenv "TF_VAR_$name")"
        done
    fi
    must_run init -no-color
    must_run plan -no-color -lock-timeout="$lock_timeout" -out="$work/plan.tfplan" "$@"
    terraform show -json -no-color "$work/plan.tfplan" >"$work/shown.json" || fail $? "Error: terraform show failed"
    # What is shown names the very plan file that it is of, and comes last: it says that both are there.
    {
        printf '{"sha256":"%s","plan":' "$(sha256_of "$work/plan.tfplan")"
        cat "$work/shown.json"
        printf '}\n'
    } >"$work/plan.json"
    for file in plan.tfplan plan.json; do
        aws s3 cp --only-show-errors "$work/$file" "$TIDEGATE_PLACE/$file" ||
            fail 1 "Error: the plan can't be left in $TIDEGATE_PLACE"
    done
    ;;
apply)
    : "${TIDEGATE_PLAN_SHA256:?}"
    aws s3 cp --only-show-errors "$TIDEGATE_PLACE/plan.tfplan" "$work/plan.tfplan" ||
        fail 1 "Error: the plan can't be fetched from $TIDEGATE_PLACE"
    [ "$(sha256_of "$work/plan.tfplan")" = "$TIDEGATE_PLAN_SHA256" ] || fail 20 ""
    must_run init -no-color
    # It refuses by itself where the state was changed since the plan was made.
    must_run apply -no-color -lock-timeout="$lock_timeout" "$work/plan.tfplan"
    ;;
*)
    fail 2 "Error: TIDEGATE_STEP is neither plan nor apply"
    ;;
esac

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Recordings of real attacks, replayed: the output must be the same to the byte, for any user, in any
# time zone and locale. REDSHANK: the program.
set -u
here=$(dirname "$0")
redshank=${REDSHANK:-${OUT:-build}/redshank}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
trap 'exit 143' TERM INT
count=0

ok() {
	count=$((count + 1))
	echo "ok $count - $1"
}

not_ok() {
	count=$((count + 1))
	echo "not ok $count - $1"
	sed 's/^/# /' "$dir/why" | head -40
}

# As nobody, where we are root and nobody can reach the program.
user=
if [ "$(id -u)" = 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups "$redshank" version \
	>/dev/null 2>&1; then
	user='setpriv --reuid=65534 --regid=65534 --clear-groups'
fi

for recording in "$here"/*.rsk; do
	name=$(basename "$recording" .rsk)
	rules=$here/$name.yml
	case $name in
	honest-*) rules=$here/../../rules ;; # all that could take it for an attack
	esac
	[ -e "$rules" ] && set -- --rules="$rules" || set --
	if TZ=Pacific/Kiritimati LC_ALL=C $user "$redshank" replay "$@" -o json - <"$recording" \
		>"$dir/json" 2>"$dir/why" && cmp -s "$dir/json" "$here/$name.json"; then
		ok "$name: the same JSON Lines"
	else
		jq . "$here/$name.json" >"$dir/expected" && jq . "$dir/json" >"$dir/got"
		diff "$dir/expected" "$dir/got" >>"$dir/why"
		not_ok "$name: the same JSON Lines"
	fi
	case $name in
	honest-*)
		if jq -e -s 'all(.[].redshank.alert.level; . == null or . == "low" or . == "informational")' \
			"$dir/json" >"$dir/why" 2>&1; then
			ok "$name: nothing above low by the default pack"
		else
			not_ok "$name: nothing above low by the default pack"
		fi
		;;
	esac
	# The other two forms of the same: an alert in JSON is one everywhere.
	alerts=$(grep -c '"kind":"alert"' "$here/$name.json")
	$user "$redshank" replay "$@" --alerts-only -o text - <"$recording" >"$dir/text" 2>"$dir/why"
	text=$(grep -c '^          *id  *[0-9a-f-]*  rule \|^  id ' "$dir/text")
	$user "$redshank" replay "$@" --alerts-only -o proto - <"$recording" >"$dir/proto" 2>"$dir/why"
	rule=$(jq -r 'select(.event.kind == "alert") | .rule.id' "$here/$name.json" | head -n 1)
	proto=$(grep -ac "${rule:-no rule}" "$dir/proto")
	if [ "$text" -ge "$alerts" ] && [ "$((text > 0))$((proto > 0))" = "$((alerts > 0))$((alerts > 0))" ]; then
		ok "$name: the same verdict as text and as protobuf"
	else
		echo "$alerts alerts in JSON, $text in text, $proto in protobuf" >>"$dir/why"
		not_ok "$name: the same verdict as text and as protobuf"
	fi
done
echo "1..$count"

#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Runs every libFuzzer target of $OUT/fuzz for FUZZ_SECONDS (10) from its seeds and from the corpus
# of earlier runs, as many at a time as there are CPUs. Prints TAP, a test per target.
# An input that breaks something is kept as $OUT/fuzz/crash/<target>-…; give it to the program
# $OUT/fuzz/tests/fuzz/<target> to see it again.
set -u
cd "$(dirname "$0")/../.." || exit 1
OUT=${OUT:-build}
export OUT FUZZ_SECONDS="${FUZZ_SECONDS:-10}"
fuzz=$OUT/fuzz

# One target, called by xargs below: what is printed goes to its log.
if [ "${1-}" = --target ]; then
	mkdir -p "$fuzz/corpus/$2" "$fuzz/seeds/$2" "$fuzz/crash"
	"$fuzz/tests/fuzz/$2" -max_total_time="$FUZZ_SECONDS" -max_len=65536 -timeout=10 \
		-rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$fuzz/crash/$2-" \
		"$fuzz/corpus/$2" "$fuzz/seeds/$2" >"$fuzz/$2.log" 2>&1
	echo $? >"$fuzz/$2.status"
	exit 0
fi

fail() {
	echo "Bail out! $*"
	exit 1
}

# Each line of a file is a seed.
lines_of() {
	i=0
	while IFS= read -r line; do
		i=$((i + 1))
		printf %s "$line" >"$2-$i"
	done <"$1"
}

# Text seeds are named <target>.<message>.<n>.txtpb: protoc packs them.
seeds() {
	rm -rf "$fuzz/seeds"
	mkdir -p "$fuzz/seeds"
	# Recordings, by their magic.
	"$fuzz/tests/fuzz/seeds" "$fuzz/seeds" $(grep -rla '^redshank-rec-01$' tests/golden) || return
	for text in tests/fuzz/seeds/*.txtpb; do
		name=$(basename "$text" .txtpb)
		target=${name%%.*}
		message=${name#*.}
		message=${message%.*}
		file=$(grep -rl "^package ${message%.*};" proto |
			xargs grep -l "^message ${message##*.} ") || return
		mkdir -p "$fuzz/seeds/$target"
		protoc -Iproto --encode="$message" "$file" <"$text" >"$fuzz/seeds/$target/$name" || return
	done
	for text in tests/fuzz/seeds/*.lines; do
		target=$(basename "$text" .lines)
		mkdir -p "$fuzz/seeds/$target"
		lines_of "$text" "$fuzz/seeds/$target/line"
	done
	cp deploy/redshank.yaml "$fuzz/seeds/fuzz_config/"
}

targets=$(find tests/fuzz -name 'fuzz_*.c' -exec basename {} .c \; | sort)
seeds || fail "the seeds can't be made"
echo "1..$(echo "$targets" | wc -l)"
echo "$targets" | xargs -P "$(nproc)" -n 1 "$0" --target

failed=0
number=0
for target in $targets; do
	number=$((number + 1))
	log=$fuzz/$target.log
	runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
	edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
	if [ "$(cat "$fuzz/$target.status")" = 0 ] && [ "${runs:-0}" -gt 0 ]; then
		echo "ok $number - $target: $runs inputs, $edges edges in $FUZZ_SECONDS s"
	else
		failed=1
		{
			grep -aE '^ +#[0-9]|must hold|ERROR|SUMMARY|runtime error|Test unit' "$log" ||
				tail -n 5 "$log"
		} | head -n 40 | sed 's/^/# /'
		echo "not ok $number - $target"
	fi
done
exit $failed

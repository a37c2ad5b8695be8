# SPDX-License-Identifier: Apache-2.0
# Debian's packages for other machines than this one: from the mirror that this machine's apt uses,
# through an apt state of our own. Signatures are checked; nothing is installed. Sourced by scripts
# that have a function die.

KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# Where this machine's apt has Debian from ($1 is 0), or where a mirror has the security suites (1).
mirror() {
	apt-get indextargets --format '$(RELEASE) $(REPO_URI)' | awk -v security="$1" '
		$1 ~ /-security/ && !s { s = $2 }
		$2 ~ /debian\/$/ && !m { m = $2 }
		END {
			sub(/\/$/, "", m); sub(/\/$/, "", s)
			if (!s && m) s = m "-security"
			print security ? s : m
		}'
}

# Makes the state, for the architecture $1 and the suites named on stdin; $state goes when we end.
apt_open() {
	command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || die "apt and dpkg are needed"
	[ -e $KEYRING ] || die "$KEYRING is not there: install debian-archive-keyring"
	main=${REDSHANK_VM_MIRROR:-$(mirror 0)}
	security=${REDSHANK_VM_MIRROR:+$REDSHANK_VM_MIRROR-security}
	security=${security:-$(mirror 1)}
	[ -n "$main" ] || die "apt has no Debian mirror here; name one: REDSHANK_VM_MIRROR=http://…/debian"
	arch=$1
	state=$(mktemp -d) || exit 1
	trap 'rm -rf "$state"' EXIT
	trap 'exit 1' INT TERM HUP
	mkdir -p "$state/lists/partial" "$state/archives/partial" "$state/none"
	: >"$state/status"
	sort -u | while read -r suite; do
		case $suite in
		*-security) echo "deb [signed-by=$KEYRING] $security $suite main" ;;
		*) echo "deb [signed-by=$KEYRING] $main $suite main" ;;
		esac
	done >"$state/sources.list"
	private apt-get -q update >"$state/log" 2>&1
	sed -n 's/^[EW]: \(Failed\|.*GPG\|.*expired\)/'"${0##*/}"': \1/p' "$state/log" | head -n 2 >&2
}

# An apt command on that state. Suites that get no more updates keep a Release file that has expired.
private() {
	command=$1
	shift
	"$command" -o Dir::State="$state" -o Dir::State::lists="$state/lists" \
		-o Dir::State::status="$state/status" -o Dir::Cache="$state" \
		-o Dir::Cache::archives="$state/archives" -o Dir::Etc::sourceparts="$state/none" \
		-o Dir::Etc::sourcelist="$state/sources.list" -o Dir::Etc::preferencesparts="$state/none" \
		-o APT::Architecture="$arch" -o APT::Architectures::="$arch" -o APT::Sandbox::User= \
		-o Acquire::Languages=none -o Acquire::Check-Valid-Until=false \
		-o Acquire::Retries=2 -o Acquire::http::Timeout=30 "$@"
}

# Debian as a new machine has it, in a folder: for the scripts of this folder, which source it. Needs root and debootstrap.
#
# What runs inside has mounts and processes of its own (unshare), so that none of them outlives the script, however it
# ends; the network is the machine's.

bare_say() { printf 'bare: %s\n' "$*" >&2; }

# 12 or 13, which its releases are called by the archive.
bare_suite() {
    case $1 in
        12) echo bookworm ;;
        13) echo trixie ;;
        *) bare_say "this knows Debian 12 and 13, not $1"; return 2 ;;
    esac
}

# The archive that this machine installs from.
bare_mirror() {
    local found
    found=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+) +(bookworm|trixie) .*/\2/p' | head -n 1)
    [ -n "$found" ] || found=$(cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
        awk 'BEGIN { RS = "" } /(^|\n)Suites:[^\n]*(bookworm|trixie)( |\n|$)/' | sed -n 's/^URIs: *\([^ ]*\).*/\1/p' | head -n 1)
    [ -n "$found" ] || { bare_say "no source of Debian found under /etc/apt"; return 1; }
    echo "$found"
}

# Makes a system of RELEASE in FOLDER, with the least that Debian calls a system.
bare_make() {  # RELEASE FOLDER
    local suite mirror
    suite=$(bare_suite "$1") && mirror=$(bare_mirror) || return
    [ "$(id -u)" -eq 0 ] || { bare_say "it needs root: debootstrap and chroot"; return 1; }
    command -v debootstrap >/dev/null || { bare_say "debootstrap is missing: apt-get install debootstrap"; return 1; }
    mkdir -p "$2"
    debootstrap --variant=minbase "$suite" "$2" "$mirror" >"$2.log" 2>&1 ||
        { bare_say "debootstrap failed:"; tail -n 20 "$2.log" >&2; return 1; }
    cp /etc/resolv.conf "$2/etc/resolv.conf"
    [ ! -f "$HOME/.npmrc" ] || cp "$HOME/.npmrc" "$2/root/"  # where this machine has npm's packages from
    echo force-unsafe-io >"$2/etc/dpkg/dpkg.cfg.d/throw-away"  # much faster, and nobody needs it after a power cut
}

# Runs a command inside, by a shell that begins in the folder /root.
bare_child=
bare_run() {  # FOLDER COMMAND
    local status=0
    unshare --mount --pid --fork --kill-child bash -c '
        root=$1
        mount -t proc proc "$root/proc" && mount -t sysfs -o ro sysfs "$root/sys" &&
            mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts" &&
            mkdir -p "$root/dev/shm" && mount -t tmpfs tmpfs "$root/dev/shm" || exit
        ln -sf pts/ptmx "$root/dev/ptmx"
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
            chroot "$root" bash -c "cd /root && $2"' bare "$@" </dev/null &
    bare_child=$!
    wait "$bare_child" || status=$?
    bare_child=
    return $status
}

# For the way out: ends what still runs inside, all of it, and only then returns.
bare_end() {
    [ -n "$bare_child" ] || return 0
    xargs -r kill -KILL <"/proc/$bare_child/task/$bare_child/children" 2>/dev/null || true  # the first process inside
    wait "$bare_child" 2>/dev/null || true
}

#!/bin/sh
# Lays out what goes with the tool as it is installed below share/: man pages, compressed, and completions for shells.
#     packaging/stage_extras.sh TOOL FOLDER_OF_MAN_PAGES OUT
set -eu
tool=$1 man=$2 out=$3
rm -rf "$out"
for page in "$man"/*.[1-8]; do
    section=$out/share/man/man${page##*.}
    mkdir -p "$section"
    gzip -9nc "$page" >"$section/${page##*/}.gz"
done
completion() {  # shell, file
    mkdir -p "$(dirname "$out/share/$2")"
    "$tool" completion "$1" >"$out/share/$2"
}
completion bash bash-completion/completions/flare
completion zsh zsh/vendor-completions/_flare
completion fish fish/vendor_completions.d/flare.fish
touch "$out/done"

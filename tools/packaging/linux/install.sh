#!/bin/sh
# Installs a program folder: install.sh FOLDER [PREFIX]. PREFIX is ~/.local by default; with
# DESTDIR set everything goes below it, for those who make packages. Remove it with
# install.sh --remove [PREFIX].
set -eu
id=io.github.vitviz.vitviz
here=$(dirname -- "$(readlink -f -- "$0")")

if [ $# -lt 1 ]; then
    sed -n '2,4s/^# //p' "$0"
    exit 2
fi
prefix=${2:-$HOME/.local}
root=${DESTDIR:-}$prefix
share=$root/share

remove() {
    rm -rf -- "$root/lib/vitviz"
    rm -f -- "$root/bin/vitviz" "$share/applications/$id.desktop" \
        "$share/metainfo/$id.metainfo.xml" "$share/mime/packages/$id.xml" \
        "$share"/icons/hicolor/*/apps/"$id".*
}

refresh() {
    [ -z "${DESTDIR:-}" ] || return 0
    update-desktop-database -q "$share/applications" 2>/dev/null || true
    update-mime-database "$share/mime" >/dev/null 2>&1 || true
    gtk-update-icon-cache -qtf "$share/icons/hicolor" 2>/dev/null || true
}

if [ "$1" = --remove ]; then
    remove
    refresh
    exit 0
fi
if [ ! -x "$1/vitviz" ]; then
    echo "install.sh: $1 is not a program folder: there is no vitviz in it" >&2
    exit 1
fi
remove
mkdir -p "$root/lib" "$root/bin"
cp -R -- "$1" "$root/lib/vitviz"
ln -sf ../lib/vitviz/vitviz "$root/bin/vitviz"
icons=$root/lib/vitviz/_internal/vitviz/resources/icons
for size in 16 24 32 48 64 128 256 512; do
    install -Dm644 "$icons/vitviz-$size.png" \
        "$share/icons/hicolor/${size}x$size/apps/$id.png"
done
install -Dm644 "$icons/vitviz.svg" "$share/icons/hicolor/scalable/apps/$id.svg"
install -Dm644 "$here/$id.metainfo.xml" "$share/metainfo/$id.metainfo.xml"
install -Dm644 "$here/$id.xml" "$share/mime/packages/$id.xml"
mkdir -p "$share/applications"
# Menus search another PATH than shells, so they are told where it is.
sed -e "s|^Exec=vitviz|Exec=\"$prefix/bin/vitviz\"|" -e "s|^TryExec=vitviz|TryExec=$prefix/bin/vitviz|" \
    "$here/$id.desktop" > "$share/applications/$id.desktop"
refresh
echo "installed: $prefix/bin/vitviz"

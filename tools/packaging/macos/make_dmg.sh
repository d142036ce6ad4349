#!/bin/sh
# Makes dist/vitviz-VERSION.dmg of dist/vitviz.app: tools/packaging/macos/make_dmg.sh VERSION [IDENTITY]
#
# IDENTITY is a "Developer ID Application" certificate in the keychain. Without one the app is
# signed ad hoc, and others have to allow it in System Settings > Privacy & Security. With one,
# notarise the result afterwards:
#   xcrun notarytool submit dist/vitviz-VERSION.dmg --keychain-profile PROFILE --wait
#   xcrun stapler staple dist/vitviz-VERSION.dmg
set -eu
if [ $# -lt 1 ]; then
    sed -n '2,9s/^# \{0,1\}//p' "$0"
    exit 2
fi
version=$1
identity=${2:--}
cd "$(dirname -- "$0")/../../.."
app=dist/vitviz.app
[ -d "$app" ] || { echo "make_dmg.sh: no $app: run python tools/build.py first" >&2; exit 1; }

if [ "$identity" = - ]; then
    codesign --force --deep --sign - "$app"
else
    codesign --force --deep --timestamp --options runtime \
        --entitlements tools/packaging/macos/entitlements.plist --sign "$identity" "$app"
fi
codesign --verify --deep --strict "$app"

stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
cp -R "$app" "$stage/"
ln -s /Applications "$stage/Applications"
hdiutil create -volname "vitviz $version" -srcfolder "$stage" -fs HFS+ -format ULMO -ov \
    "dist/vitviz-$version.dmg"
hdiutil verify "dist/vitviz-$version.dmg"
echo "made dist/vitviz-$version.dmg"

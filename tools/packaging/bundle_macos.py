"""What the Finder is told about vitviz.app: ``build.spec`` puts it into Info.plist."""

from __future__ import annotations

IDENTIFIER = "io.github.vitviz.vitviz"
SESSION = f"{IDENTIFIER}.session"

INFO: dict[str, object] = {
    "CFBundleDisplayName": "vitviz",
    "LSApplicationCategoryType": "public.app-category.education",
    "LSMinimumSystemVersion": "13.0",  # as Qt 6.11
    "NSHighResolutionCapable": True,
    # The program has a palette of its own for both.
    "NSRequiresAquaSystemAppearance": False,
    "CFBundleDocumentTypes": [
        {
            "CFBundleTypeName": "vitviz session",
            "CFBundleTypeRole": "Editor",
            "LSHandlerRank": "Owner",
            "LSItemContentTypes": [SESSION],
        },
        {
            "CFBundleTypeName": "Photo",
            "CFBundleTypeRole": "Viewer",
            "LSHandlerRank": "Alternate",
            "LSItemContentTypes": [
                "public.jpeg",
                "public.png",
                "public.tiff",
                "public.heic",
                "org.webmproject.webp",
                "com.compuserve.gif",
                "com.microsoft.bmp",
            ],
        },
    ],
    "UTExportedTypeDeclarations": [
        {
            "UTTypeIdentifier": SESSION,
            "UTTypeDescription": "vitviz session",
            "UTTypeConformsTo": ["public.json"],
            "UTTypeTagSpecification": {
                "public.filename-extension": ["vitviz"],
                "public.mime-type": ["application/x-vitviz-session+json"],
            },
        }
    ],
}

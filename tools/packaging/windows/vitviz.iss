; Makes an installer of the program folder, with Inno Setup 6.3 or newer, in the repository's root:
;   python tools\build.py
;   iscc /DVersion=0.1.0 tools\packaging\windows\vitviz.iss
; Installs for one user, without asking for rights, unless /ALLUSERS is given.

#ifndef Version
  #error Give the version: iscc /DVersion=0.1.0 tools\packaging\windows\vitviz.iss
#endif
#define Root "..\..\.."

[Setup]
AppId={{6C1E6E0C-6B0B-4E5B-9C0E-5D2A7C0B6A51}
AppName=vitviz
AppVersion={#Version}
AppPublisher=The vitviz authors
DefaultDirName={autopf}\vitviz
DefaultGroupName=vitviz
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
PrivilegesRequiredOverridesAllowed=commandline dialog
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0.17763
LicenseFile={#Root}\LICENSE
UninstallDisplayIcon={app}\vitviz.exe
ChangesAssociations=yes
OutputDir={#Root}\dist
OutputBaseFilename=vitviz-{#Version}-setup
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; Flags: unchecked

[InstallDelete]
; Files of the version before, which this one may no longer have.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "{#Root}\dist\vitviz\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\vitviz"; Filename: "{app}\vitviz.exe"
Name: "{autodesktop}\vitviz"; Filename: "{app}\vitviz.exe"; Tasks: desktopicon

[Registry]
Root: HKA; Subkey: "Software\Classes\.vitviz"; ValueType: string; ValueData: "vitviz.session"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\.vitviz"; ValueType: string; ValueName: "Content Type"; ValueData: "application/x-vitviz-session+json"; Flags: uninsdeletevalue
Root: HKA; Subkey: "Software\Classes\vitviz.session"; ValueType: string; ValueData: "vitviz session"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\vitviz.session\DefaultIcon"; ValueType: string; ValueData: "{app}\vitviz.exe,0"
Root: HKA; Subkey: "Software\Classes\vitviz.session\shell\open\command"; ValueType: string; ValueData: """{app}\vitviz.exe"" ""%1"""
; "Open with" for photos; the program that opens them by default stays as it is.
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe"; ValueType: string; ValueName: "FriendlyAppName"; ValueData: "vitviz"; Flags: uninsdeletekey
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe\shell\open\command"; ValueType: string; ValueData: """{app}\vitviz.exe"" ""%1"""
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe\SupportedTypes"; ValueType: string; ValueName: ".jpg"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe\SupportedTypes"; ValueType: string; ValueName: ".jpeg"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe\SupportedTypes"; ValueType: string; ValueName: ".png"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe\SupportedTypes"; ValueType: string; ValueName: ".tif"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe\SupportedTypes"; ValueType: string; ValueName: ".tiff"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe\SupportedTypes"; ValueType: string; ValueName: ".webp"; ValueData: ""
Root: HKA; Subkey: "Software\Classes\Applications\vitviz.exe\SupportedTypes"; ValueType: string; ValueName: ".heic"; ValueData: ""

[Run]
Filename: "{app}\vitviz.exe"; Description: "{cm:LaunchProgram,vitviz}"; Flags: nowait postinstall skipifsilent

//! Localization files as teams have them: a kind, a number and an edition in, a text out. Two editions of a file differ in some
//! of its strings.

use elmo_l10n::Kind;
use fastrand::Rng;
use std::fmt::Write;

/// Which kinds there are, under which names, and how many of a hundred files are of each.
pub(crate) const MIX: [(Kind, &str, usize); 7] = [
    (Kind::Fluent, "menubar.ftl", 50),
    (Kind::Properties, "browser.properties", 20),
    (Kind::Dtd, "browser.dtd", 12),
    (Kind::Ini, "updater.ini", 5),
    (Kind::Defines, "defines.inc", 3),
    (Kind::Po, "messages.po", 5),
    (Kind::Android, "strings.xml", 5),
];

/// Of every so many strings, one is not what it was in the edition before, and one is not what it will be in the next.
const CHANGING: usize = 12;

/// A file is in one of these languages.
const LANGUAGES: [&str; 8] = [
    "ouvrir fermer nouvelle fenêtre onglet privée la les paramètres réinitialiser mot de passe enregistré données l’historique",
    "öffnen schließen neues fenster tab einstellungen für geräte und verlauf der die das passwort gespeichert wird zurücksetzen",
    "открыть закрыть вкладку настройки параметры удалить пароль сохранить новое окно для этого устройства и журнал всех",
    "the page could not be loaded please try again from this device to continue with your saved passwords and settings",
    "apri chiudi nuova finestra scheda impostazioni per dispositivi e cronologia della password salvata reimposta tutti i dati",
    "新しい タブを開く 設定 閉じる パスワード 保存 履歴を消去 端末 ウィンドウ すべてのデータ 再読み込み 続行",
    "abrir cerrar nueva ventana pestaña ajustes para dispositivos y el historial de la contraseña guardada restablecer datos",
    "otwórz zamknij nowe okno karta ustawienia dla urządzeń i historia zapisanego hasła przywróć wszystkie dane tej strony",
];

/// The name of the file of that number, in a folder of its kind.
pub(crate) fn name(number: usize) -> (Kind, String) {
    let mut place = number * 37 % 100;
    for (kind, name, part) in MIX {
        if place < part {
            return (kind, format!("part-{:02}/{number}/{name}", number % 40));
        }
        place -= part;
    }
    (Kind::Fluent, format!("part-{:02}/{number}/{}", number % 40, MIX[0].1))
}

/// The file of that number: of ten strings, or of some hundreds.
pub(crate) fn text(kind: Kind, number: usize, edition: usize) -> String {
    let mut rng = Rng::with_seed(number as u64);
    let language: Vec<&str> = LANGUAGES[number % LANGUAGES.len()].split(' ').collect();
    let strings = 10 + (rng.f64().powi(3) * 400.0) as usize;
    let mut text = head(kind).to_owned();
    for string in 0..strings {
        let mut value = words(&mut rng, &language);
        if (string + edition).is_multiple_of(CHANGING) {
            let _ = write!(value, " {edition}");
        }
        add(&mut text, kind, &mut rng, string, &value);
    }
    text.push_str(tail(kind));
    text
}

fn words(rng: &mut Rng, language: &[&str]) -> String {
    let from = rng.usize(..language.len() - 8);
    language[from..from + rng.usize(1..=8)].join(" ")
}

fn head(kind: Kind) -> &'static str {
    match kind {
        Kind::Fluent | Kind::Properties => {
            "# This Source Code Form is subject to the terms of the Mozilla Public\n# License, v. 2.0.\n\n"
        }
        Kind::Dtd => "<!-- This Source Code Form is subject to the terms of the Mozilla Public\n   - License, v. 2.0. -->\n\n",
        Kind::Ini => "; This Source Code Form is subject to the terms of the Mozilla Public License.\n[Strings]\n",
        Kind::Defines => "#filter emptyLines\n\n",
        Kind::Po => "msgid \"\"\nmsgstr \"\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\n",
        Kind::Android => "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<resources>\n",
    }
}

fn tail(kind: Kind) -> &'static str {
    if kind == Kind::Android { "</resources>\n" } else { "" }
}

fn add(text: &mut String, kind: Kind, rng: &mut Rng, string: usize, value: &str) {
    // Writing into a string does not fail.
    let _ = match kind {
        Kind::Fluent => return add_fluent(text, rng, string, value),
        Kind::Properties if rng.u8(..6) == 0 => {
            writeln!(text, "# LOCALIZATION NOTE (window.title{string}): %S is a name\nwindow.title{string}={value} %S \\u00e9")
        }
        Kind::Properties => writeln!(text, "window.title{string}={value}"),
        Kind::Dtd if rng.u8(..6) == 0 => {
            writeln!(
                text,
                "<!-- LOCALIZATION NOTE (menu.{string}): a name -->\n<!ENTITY menu.{string} \"{value} &brandShortName;\">"
            )
        }
        Kind::Dtd => writeln!(text, "<!ENTITY menu.{string} \"{value}\">"),
        Kind::Ini => writeln!(text, "Title{string}={value}"),
        Kind::Defines => writeln!(text, "#define title_{string} {value}\n"),
        Kind::Po => {
            writeln!(text, "#. A title\n#: src/window.py:{string}\nmsgid \"The title of window {string}\"\nmsgstr \"{value}\"\n")
        }
        Kind::Android => writeln!(text, "    <!-- A title -->\n    <string name=\"title_{string}\">{value}</string>"),
    };
}

fn add_fluent(text: &mut String, rng: &mut Rng, string: usize, value: &str) {
    let _ = match rng.u8(..20) {
        0 => writeln!(text, "\n## The part of {string}\n\nwindow-title-{string} = {value}"),
        1..=3 => writeln!(text, "# Variables:\n#   $name (String) - a name\nwindow-title-{string} = {value} {{ $name }}"),
        4..=6 => writeln!(
            text,
            "window-title-{string} =\n    .label = {value}\n    .accesskey = {}",
            value.chars().next().unwrap_or('a')
        ),
        7 => writeln!(
            text,
            "window-title-{string} =\n    {{ $count ->\n        [one] {value}\n       *[other] {{ $count }} {value}\n    }}"
        ),
        8 | 9 => writeln!(text, "window-title-{string} =\n    {value}\n    {{ -brand-short-name }} {value}"),
        10 => writeln!(text, "window-title-{string} = {value} <a data-l10n-name=\"more\">{value}</a>\n    .title = {value}"),
        11 => writeln!(text, "-name-{string} = {value}"),
        _ => writeln!(text, "window-title-{string} = {value}"),
    };
}

# This Source Code Form is subject to the terms of the Mozilla Public
# License, v. 2.0.

### Resource comment

## Group comment

-brand-short-name = Firefox
    .gender = masculine words here
# A comment of
# two lines
#
# and an empty one
-brand-full-name =
    { $case ->
       *[nominative] Mozilla Firefox
        [genitive] Mozilla Firefoxa
    }

# A comment with an empty line after it

tab-close = Close tab
menu-open =
    .label = Open…
    .accesskey = O
    .title =
        Opens a file
        in a new tab
window-title = { -brand-short-name } — { $title }   
several-lines = First line
    second line
      indented third

    after an empty line
block =
    First line of a block
    and { "{" } another { "}" }
trailing-placeable = Go to { $url }
only-placeable = {$x}
only-placeable-block =
    {
        $x
    }
empty-literal = { "" }
emails =
    { $count ->
        [0] You have no new emails.
        [one] You have one "new" email {"}"} here.
       *[other] You have { NUMBER($count, minimumFractionDigits: 2, currency: "EUR") } new emails.
    }
nested = { { { $x } } }
nested-selects = { $a ->
    [x] { $b ->
        [y] xy words
       *[z] xz { $c }
    }
   *[w] w
} tail
call = { DATETIME($date, month: "long", weekday: "{)\"" ) }
term-call = { -brand-full-name(case: "genitive", ) }
term-attr = { -brand-short-name.gender ->
   *[masculine] he
    [feminine] she
}
message-ref = { menu-open.label } and { tab-close }
number = { -3.14 }
markup = Read <a data-l10n-name="link">more <b>of</b></a> words
unicode = caf\u00e9 { "\u00e9 \U01F602" } 日本語 テキスト
UPPER_case-1 = x

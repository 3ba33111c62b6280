only =
    .a = 1
    .b = 2
none = x
both = value
    .a = { $x ->
        [one] one word
       *[other] two words here
    }
    .a = again
    .empty = { "" }

    .after-empty-line = y

-term = t
    .private = not counted
after = x

@@
# Comment @
key-@ = Value @ with { $variable } and words
    .title = A title
    .accesskey = T

plain-@ = A sentence of an ordinary length
select-@ =
    { $count ->
        [one] One thing
       *[other] { $count } things of { -brand }
    }

@@

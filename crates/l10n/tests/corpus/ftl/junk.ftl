key
good = 1
no value =
another = { $unclosed
good2 = 2
bad = text }
   indented = junk
= x
# comment before junk
junk here
# comment before good
good3 = 3
select = { $x ->
    [one] no default
}
"quoted" = x
-term-without-value =
    .attr = x
call = { lower($x) }
string = { "unclosed }
escape = { "\q" }
selector = { message -> *[a] b }
good4 =
    text
#comment without blank
good5 = 5
# comment at the end
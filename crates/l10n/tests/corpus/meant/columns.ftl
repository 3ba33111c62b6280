a = { FOO(
b)}
c = { "x" }
d = {
-e }
f = g

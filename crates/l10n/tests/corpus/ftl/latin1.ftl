café = x
a = ü
# é
b = { "é" }

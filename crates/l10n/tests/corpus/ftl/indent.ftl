a =
        deep
      less
          more
b = inline
        deep
      less
c =

    after empty


    lines  


d = x   
e =      
    y   
tabs =	tab
f = {
$x}
g = { $x
  }
h = { $y ->
 *[a]
    block
    { $z }

    x
 }
i = {"a"}{"b"}
j = { FUN() }
k = { FUN($a) }
l = { FUN({ $x }) }
m = { $x } { $y }text

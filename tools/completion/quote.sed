# Lines of text as lines of a C string literal.
s/\\/\\\\/g
s/"/\\"/g
s/.*/"&\\n"/

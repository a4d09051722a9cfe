"""`intercomd doctor`: looks at everything that a call needs, a file for each check, and says what to do about it."""

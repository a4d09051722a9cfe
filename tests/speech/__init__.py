"""What speech is like after bad networks: real processes, real TCP, the virtual card; PESQ and STOI of what was heard.

path    a network and what becomes of it while somebody speaks, and what the speech must be like then
heard   one run: what was said, what was heard, and what the listener's status told meanwhile
baresip a peer in place of ours, where it is installed
report  a page with plots
"""

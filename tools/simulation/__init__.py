"""Stations, the links between them, and what happened: the parts of tools.simulate.

scenario    what is run: stations, links, steps, what must come of it
speech      the voices; hearing: how much of what was said was heard
link        which datagram is lost or late, the same for the same seed
relay       carries real datagrams and records them; machines: the VMs of the stations
virtual     the same stations in virtual time, in this process
registrar   the server where stations find each other, when a scenario has one
steps       the fingers: what is done when which event has come
recording   everything that was seen, from either; checks: what must be true of it
figures     how soon things happened: start, key to INVITE, digit to relay
"""

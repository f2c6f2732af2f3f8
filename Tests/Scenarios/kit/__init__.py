"""The kit of the scenarios: a gateway to start, origins to stand behind it, clients to stand in front of it.

Nothing in here knows a test; read `gateway.py` first, then `origin.py` and `rawclient.py`.
"""

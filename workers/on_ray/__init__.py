"""Ranks on the hosts of a Ray cluster: the same worker program, started as an actor. Knows no model.

    engine-core --socket pair-- relay of rank 0 --TCP-- worker of rank 0, inside an actor on some host
                --socket pair-- relay of rank 1 --TCP-- worker of rank 1, inside an actor on another

The engine core starts a relay where it would start a worker, and notices no difference: bytes go both ways, and a
relay ends when its worker does.
"""

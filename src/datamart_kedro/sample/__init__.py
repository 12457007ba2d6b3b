"""A made-up shop: its source data as they are on a day, and a ledger of the faults in them.

The shop is a function of its settings. Whatever a customer, an order or a product will ever do is drawn from the seed
and its own key; the tables of a day show what happened before that day, and no more. So letting time pass needs no
memory: the shop of a later day is made anew, and what both days show is the same.
"""

"""What deploying a set of stacks takes: which actions, on which resources, under which conditions.

Derived, not listed: actions from the handlers of the resource schemas, kinds of resources from the Service
Authorization Reference (``facts.json``), names from the stacks. What the schemas leave out stands in
``additions.py``, a line each with its source.
"""

"""What each step reads and writes, told as OpenLineage names, columns and facets.

| step | reads | writes |
|---|---|---|
| extract | the source tables | the staged file |
| upload | the staged file | the object, by its folder; its digest is the version |
| version | the object | the DVC dataset; its revision is the version |
| validate | the DVC dataset, with assertions and metrics | the Data Docs page |
| features | the DVC dataset | feature table, training set, online features |
| train | the training set | the registered model |
| judge | the model, the training set | nothing: its decision is noted of the run |
| deploy | the model, the features | the endpoint |
| serve (declared) | model, endpoint, online features | the prediction log |
| target | the model, the features, the training set | the list, twice |
| report | the model, and what the page shows | the page |

Every function here takes references and returns values; the tasks say them. They are
called only while somebody listens, in the thread of the step: they ask no server that
the step does not ask at that moment, and take what it has at hand.
"""

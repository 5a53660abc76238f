"""The files source: objects from a folder of YAML manifests, watched. No Kubernetes needed.

::

    folder     stat signatures, bytes  ──►  judge   one file: its objects and rejections  ──►  source
    passwords  first line of a file         (pure)  all files: what is declared              the loop
    lastgood   what held when we stopped    yamltext, with the line of every field
"""

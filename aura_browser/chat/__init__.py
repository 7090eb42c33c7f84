"""Chat: ``messages`` holds questions, ``dialects`` encode them for sites, ``client`` sends them and streams answers."""

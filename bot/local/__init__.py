"""`bardling try`: a local Discord behind real sockets with a chat page. Started by `app`."""

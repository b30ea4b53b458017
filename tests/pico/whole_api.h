/* Included before rp2040py's own files when it is compiled for the Python at hand, see Makefile. */
#undef Py_LIMITED_API

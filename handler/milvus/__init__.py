"""A bundle's vectors and products in Milvus, for catalogs that outgrow the memory of one function."""

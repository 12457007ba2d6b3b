SELECT *
FROM read_csv(
    'data/01_raw/products.csv',
    all_varchar = true, header = true, skip = 0, delim = ',', quote = '"', escape = '"'
)

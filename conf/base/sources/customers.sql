SELECT *
FROM read_csv(
    'data/01_raw/customers.csv',
    all_varchar = true, header = true, skip = 0, delim = ',', quote = '"', escape = '"'
)

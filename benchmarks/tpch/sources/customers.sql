SELECT
    c_custkey AS customer_id,
    c_name AS full_name,
    c_phone AS phone,
    n_name AS country,
    c_mktsegment AS status
FROM 'data/01_raw/customer.parquet'
JOIN 'data/01_raw/nation.parquet' ON n_nationkey = c_nationkey

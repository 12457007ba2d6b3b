SELECT
    l_orderkey AS order_id,
    l_linenumber AS line_number,
    l_partkey AS product_id,
    l_quantity AS quantity,
    CAST(l_extendedprice / l_quantity AS DECIMAL(15, 2)) AS unit_price,
    l_discount AS discount_rate,
    l_tax AS tax_rate,
    l_shipdate AS updated_at
FROM 'data/01_raw/lineitem.parquet'

SELECT
    p_partkey AS product_id,
    p_brand AS sku,
    p_name AS name,
    split_part(p_type, ' ', 3) AS category,
    p_retailprice AS unit_price,
    unit_cost,
    stock_quantity
FROM 'data/01_raw/part.parquet'
JOIN (
    SELECT ps_partkey, min(ps_supplycost) AS unit_cost, sum(ps_availqty)::BIGINT AS stock_quantity
    FROM 'data/01_raw/partsupp.parquet'
    GROUP BY ps_partkey
) ON ps_partkey = p_partkey
